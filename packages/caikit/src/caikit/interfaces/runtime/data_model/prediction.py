"""Prediction jobs as clients see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from caikit.core.data_model import DataObjectBase, FieldNumber, JobStatus, dataobject

from .package import RUNTIME_PACKAGE


@dataobject(RUNTIME_PACKAGE)
class PredictionJobInfoRequest(DataObjectBase):
    """Which prediction job a call is about."""

    prediction_id: Annotated[str, FieldNumber(1)]


@dataobject(RUNTIME_PACKAGE)
class PredictionJob(DataObjectBase):
    """The answer to the start of a prediction job."""

    prediction_id: Annotated[str, FieldNumber(1)]


@dataobject(RUNTIME_PACKAGE)
class PredictionJobStatusResponse(DataObjectBase):
    """How far a prediction job is, and what went wrong: `reasons` is empty unless the job failed.

    `completion_timestamp` is None until the job has ended.
    """

    prediction_id: Annotated[str, FieldNumber(1)]
    state: Annotated[JobStatus, FieldNumber(2)]
    submission_timestamp: Annotated[datetime | None, FieldNumber(3)]
    completion_timestamp: Annotated[datetime | None, FieldNumber(4)]
    reasons: Annotated[list[str] | None, FieldNumber(5)]


__all__ = ["PredictionJob", "PredictionJobInfoRequest", "PredictionJobStatusResponse"]
