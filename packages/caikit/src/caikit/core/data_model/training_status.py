"""The states of a training."""

from .job import JobStatus as TrainingStatus

__all__ = ["TrainingStatus"]
