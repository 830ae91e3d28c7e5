"""Training jobs as clients see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from caikit.core.data_model import DataObjectBase, FieldNumber, JobStatus, dataobject

from .package import RUNTIME_PACKAGE


@dataobject(RUNTIME_PACKAGE)
class TrainingInfoRequest(DataObjectBase):
    """Which training job a call is about."""

    training_id: Annotated[str, FieldNumber(1)]


@dataobject(RUNTIME_PACKAGE)
class TrainingJob(DataObjectBase):
    """The answer to the start of a training."""

    training_id: Annotated[str, FieldNumber(1)]
    model_name: Annotated[str, FieldNumber(2)]


@dataobject(RUNTIME_PACKAGE)
class ModelPointer(DataObjectBase):
    """A model that the server knows, as the parameter of a training."""

    model_id: Annotated[str, FieldNumber(1)]


@dataobject(RUNTIME_PACKAGE)
class TrainingStatusResponse(DataObjectBase):
    """How far a training job is, and what went wrong: `reasons` is empty unless the job failed.

    `completion_timestamp` is None until the job has ended.
    """

    training_id: Annotated[str, FieldNumber(1)]
    state: Annotated[JobStatus, FieldNumber(2)]
    submission_timestamp: Annotated[datetime | None, FieldNumber(3)]
    completion_timestamp: Annotated[datetime | None, FieldNumber(4)]
    reasons: Annotated[list[str] | None, FieldNumber(5)]


__all__ = ["ModelPointer", "TrainingInfoRequest", "TrainingJob", "TrainingStatusResponse"]
