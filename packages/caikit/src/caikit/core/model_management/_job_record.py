"""What is known about a job, in the form in which it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from ..data_model.job import JobStatus
from .job_base import JobInfo
from .job_progress import Progress

LOG_FOLDER = "logs"
RESULT_FOLDER = "results"

QUEUED, RUNNING = JobStatus.QUEUED, JobStatus.RUNNING

# From which states a job may get into a state.
BEFORE: Mapping[JobStatus, tuple[JobStatus, ...]] = {
    JobStatus.QUEUED: (),
    JobStatus.RUNNING: (QUEUED,),
    JobStatus.COMPLETED: (RUNNING,),
    JobStatus.CANCELED: (QUEUED, RUNNING),
    JobStatus.ERRORED: (QUEUED, RUNNING),
}


@dataclass(frozen=True, slots=True)
class JobKey:
    """`kind` is what the job does ("training", "prediction"), `component` the name of what runs it."""

    kind: str
    component: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One job, as it was when it was read."""

    key: JobKey
    owner: str
    """The process that runs the job."""
    worker: str | None = None
    """The process in which the work is done, if that outlives its owner and can end the job without it."""
    info: JobInfo
    save_path: str | None = None
    draft_folder: str | None = None
    """Where the result is written before it is published."""
    publishing: bool = False
    """The result is complete and on its way to its place; nothing ends the job but success."""
    cancel: bool = False
    """Somebody wants the job to be cancelled."""
    log_path: str | None = None
    result_class: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def submission_time(self) -> datetime:
        return self.info.submission_time or datetime.now()


def progress_of(info: JobInfo) -> Progress:
    return Progress(info.progress, info.progress_text, info.metrics)


def with_progress(info: JobInfo, progress: Progress | None) -> JobInfo:
    if progress is None:
        return replace(info)
    return replace(
        info, progress=progress.fraction, progress_text=progress.text, metrics=dict(progress.metrics)
    )
