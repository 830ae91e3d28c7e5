"""What becomes of jobs whose process is gone."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import alog

from ..data_model.job import JobStatus
from ._draft import Draft
from ._job_log import write_error
from ._job_record import JobRecord
from .job_base import JobInfo

if TYPE_CHECKING:
    from ._job_store import JobStore

log = alog.use_channel("JOBSTORE")


def recover(store: JobStore) -> None:
    """End the jobs of processes that are gone; those of processes that live are theirs."""
    for record in store.unfinished_of_others():
        settle(store, record)


def settle(store: JobStore, record: JobRecord) -> None:
    """End a job if its process is gone: its result appears if it was complete, otherwise the job has failed."""
    if not store.is_orphan(record) or not store.adopt(record):
        return
    problem = _publish(record) if record.publishing else _interruption(record)
    now = datetime.now()
    if problem is None:
        store.advance(record.key, JobInfo(JobStatus.COMPLETED, completion_time=now))
        return
    _remove_leftovers(record)
    write_error(record.log_path, problem)
    log.warning("<COR46127303W>", "Job %s: %s", record.key.id, problem)
    store.advance(record.key, JobInfo(JobStatus.ERRORED, [problem], completion_time=now))


def _publish(record: JobRecord) -> Exception | None:
    if record.save_path is not None and record.draft_folder is not None:
        try:
            Draft(record.save_path, record.draft_folder).publish()
        except OSError as problem:
            return problem
    return None


def _interruption(record: JobRecord) -> Exception:
    done = "started" if record.info.status is JobStatus.QUEUED else "finished"
    return RuntimeError(
        f"The process that ran this {record.key.kind} ended before the {record.key.kind} had {done}"
    )


def _remove_leftovers(record: JobRecord) -> None:
    if record.save_path is None:
        return
    if record.draft_folder is not None:
        Draft(record.save_path, record.draft_folder).discard()
    elif record.key.kind == "prediction":
        with contextlib.suppress(OSError):
            Path(record.save_path).unlink()
