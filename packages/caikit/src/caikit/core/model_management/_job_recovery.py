"""What becomes of jobs whose process is gone."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import alog

from ..data_model.job import JobStatus
from ._draft import Draft
from ._job_log import write_error, write_line
from ._job_record import JobKey, JobRecord
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
    if store.is_orphan(record) and store.adopt(record):
        conclude(store, record.key)


def conclude(store: JobStore, key: JobKey, problem: Exception | None = None) -> None:
    """End a job that is this process's own; `problem` is what ended its work, None if nobody knows."""
    record = store.get(key)
    if record is None or record.info.status.is_terminal:
        return
    if record.publishing:
        if record.info.status is JobStatus.QUEUED:
            store.advance(key, JobInfo(JobStatus.RUNNING))
        problem = _publish(record)
        if problem is None:
            _end(store, record, JobStatus.COMPLETED)
            return
    elif record.cancel:
        _remove_leftovers(record)
        _end(store, record, JobStatus.CANCELED)
        return
    problem = problem or _interruption(record)
    _remove_leftovers(record)
    write_error(record.log_path, problem)
    log.warning("<COR46127303W>", "Job %s: %s", key.id, problem)
    _end(store, record, JobStatus.ERRORED, [problem])


def _end(
    store: JobStore, record: JobRecord, status: JobStatus, errors: list[Exception] | None = None
) -> None:
    write_line(record.log_path, status.name)
    store.advance(record.key, JobInfo(status, errors, completion_time=datetime.now()))


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
