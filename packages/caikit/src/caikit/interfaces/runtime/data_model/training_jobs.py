"""What a server tells about all of its trainings, and their logs."""

from __future__ import annotations

import datetime
from typing import Annotated

from caikit.core.data_model import DataObjectBase, FieldNumber, JobStatus, dataobject

from .package import RUNTIME_PACKAGE


@dataobject(RUNTIME_PACKAGE)
class TrainingListRequest(DataObjectBase):
    """Which trainings to show: those of a model, or one; at most `limit`, by default 100."""

    training_id: Annotated[str | None, FieldNumber(1)] = None
    model_name: Annotated[str | None, FieldNumber(2)] = None
    limit: Annotated[int | None, FieldNumber(3)] = None


@dataobject(RUNTIME_PACKAGE)
class TrainingDetails(DataObjectBase):
    """A training; `progress` is from 0 to 1. It, `progress_text` and `metrics` are what the module has told last."""

    training_id: Annotated[str, FieldNumber(1)]
    model_name: Annotated[str, FieldNumber(2)]
    module: Annotated[str, FieldNumber(3)]
    state: Annotated[JobStatus, FieldNumber(4)]
    submission_timestamp: Annotated[datetime.datetime | None, FieldNumber(5)]
    completion_timestamp: Annotated[datetime.datetime | None, FieldNumber(6)]
    reasons: Annotated[list[str] | None, FieldNumber(7)]
    progress: Annotated[float | None, FieldNumber(8)] = None
    progress_text: Annotated[str, FieldNumber(9)]
    metrics: Annotated[dict[str, float] | None, FieldNumber(10)]


@dataobject(RUNTIME_PACKAGE)
class TrainingList(DataObjectBase):
    """Trainings, the newest first."""

    trainings: Annotated[list[TrainingDetails], FieldNumber(1)]


@dataobject(RUNTIME_PACKAGE)
class TrainingLogRequest(DataObjectBase):
    """A part of the log of a training: from a byte on, or the last lines; without both from the beginning."""

    training_id: Annotated[str, FieldNumber(1)]
    offset: Annotated[int | None, FieldNumber(2)] = None
    last_lines: Annotated[int | None, FieldNumber(3)] = None


@dataobject(RUNTIME_PACKAGE)
class TrainingLog(DataObjectBase):
    """Whole lines of a log, as many as fit into one answer; what follows them begins at `next_offset`.

    There may be more as long as there was text or `state` is not the last one.
    """

    training_id: Annotated[str, FieldNumber(1)]
    text: Annotated[str, FieldNumber(2)]
    next_offset: Annotated[int, FieldNumber(3)]
    state: Annotated[JobStatus, FieldNumber(4)]


__all__ = ["TrainingDetails", "TrainingList", "TrainingListRequest", "TrainingLog", "TrainingLogRequest"]
