"""Jobs: work that goes on after the call that started it."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aconfig

from ..data_model.job import JobStatus
from ..toolkit.factory import FactoryConstructible
from ..toolkit.reversible_hasher import ReversibleHasher

__all__ = ["CLOSE_SECONDS", "JobBase", "JobFutureBase", "JobInfo", "JobQueueFullError", "JobStoreError"]

CLOSE_SECONDS = 5.0


class JobQueueFullError(RuntimeError):
    """Raised instead of starting a job when too many wait already."""


class JobStoreError(RuntimeError):
    """Raised when the records of jobs cannot be read or written, so that a job cannot be started or found."""


@dataclass
class JobInfo:
    """State of a job.

    Times are naive local ones; the completion time is there as soon as the state is a terminal one. `errors` are
    what ended a job that is ERRORED, and why a job is CANCELED that nobody asked to be. `progress`
    (from 0.0 to 1.0, None if it told nothing), `progress_text` and `metrics` are what the module has told by
    `report_progress`.
    """

    status: JobStatus
    errors: list[Exception] | None = None
    submission_time: datetime | None = None
    completion_time: datetime | None = None
    progress: float | None = None
    progress_text: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)


class JobFutureBase(abc.ABC):
    """Handle of one job."""

    ID_DELIMITER = ":"

    def __init__(
        self, future_name: str, future_id: str, use_reversible_hash: bool = True, **kwargs: Any
    ) -> None:
        """The id tells the name of the component that runs the job, unless `use_reversible_hash` is off."""
        self._id = future_id
        if use_reversible_hash:
            self._id = f"{ReversibleHasher.hash(future_name)}{self.ID_DELIMITER}{future_id}"

    @property
    def id(self) -> str:
        """Unique among the jobs of the component; to be taken as it is, whatever it looks like."""
        return self._id

    @property
    def log_path(self) -> str | None:
        """The file with the log of the job, None if it has none or that is not on this machine."""
        return None

    @property
    def labels(self) -> Mapping[str, str]:
        """What `set_label` has noted; kept as long as the job is known, where jobs are recorded also after a restart."""
        return dict(vars(self).get("_labels", {}))

    def set_label(self, name: str, value: str) -> None:
        """Note something about the job, for whoever started it."""
        vars(self).setdefault("_labels", {})[name] = value

    @abc.abstractmethod
    def get_info(self) -> JobInfo:
        """The state of the job, without waiting."""

    @abc.abstractmethod
    def cancel(self) -> None:
        """Stop the work. The state is CANCELED at once; a job that has ended keeps its state, which is no error."""

    @abc.abstractmethod
    def wait(self) -> None:
        """Block until the job is finished; its errors are not raised."""

    @abc.abstractmethod
    def result(self) -> Any:
        """Wait, then return what the job made or raise what ended it."""


class JobBase(FactoryConstructible):
    """A component that runs jobs."""

    def __init__(self, config: aconfig.Config, instance_name: str) -> None:
        self._instance_name = instance_name

    @abc.abstractmethod
    def get_future(self, future_id: str) -> JobFutureBase:
        """The handle of a job of this component; CaikitCoreException NOT_FOUND if it knows none with this id."""

    def pass_on(self, module_kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Keywords of the work as keywords of the method that starts the job."""
        return dict(module_kwargs)

    def get_futures(self) -> list[JobFutureBase]:
        """The jobs that are known, the newest first; empty where a component does not tell."""
        return []

    def close(self, timeout: float = CLOSE_SECONDS) -> bool:
        """Cancel the jobs that end with this process; whether all of them ended within `timeout` seconds.

        Jobs that run elsewhere go on. More jobs can be started afterwards.
        """
        return True

    def count_jobs(self) -> Mapping[JobStatus, int]:
        """How many jobs of this process are known, by their state; empty where a component does not tell."""
        return {}

    @classmethod
    def get_job_name(cls, future_id: str) -> str:
        """The name of the component that is encoded in an id."""
        return ReversibleHasher.reverse_hash(future_id.partition(JobFutureBase.ID_DELIMITER)[0])
