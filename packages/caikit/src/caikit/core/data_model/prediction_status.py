"""The states of a prediction job."""

from .job import JobStatus as PredictionJobStatus

__all__ = ["PredictionJobStatus"]
