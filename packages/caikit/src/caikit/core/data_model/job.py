"""The states of a job."""

from enum import Enum

from ._dataobject import dataobject
from .package import PACKAGE_COMMON

__all__ = ["JobStatus"]


@dataobject(PACKAGE_COMMON)
class JobStatus(Enum):
    """Where a training or a prediction job stands."""

    QUEUED = 1
    RUNNING = 2
    COMPLETED = 3
    CANCELED = 4
    ERRORED = 5

    @property
    def is_terminal(self) -> bool:
        """True when the job will not change any more."""
        return self in (JobStatus.COMPLETED, JobStatus.CANCELED, JobStatus.ERRORED)
