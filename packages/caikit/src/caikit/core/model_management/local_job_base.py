"""Jobs of this process, in threads or child processes."""

from __future__ import annotations

import abc
import contextlib
import inspect
import os
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

import aconfig
import alog

from ..data_model.job import JobStatus
from ..exceptions import error_handler
from ..exceptions.caikit_core_exception import CaikitCoreException, CaikitCoreStatusCode
from ..toolkit.reversible_hasher import ReversibleHasher
from ._job_entry import JobEntry
from ._job_queue import JobQueue
from ._job_record import LOG_FOLDER, JobKey, JobRecord
from ._job_recovery import settle
from ._local_job_future import LocalJobFuture
from ._retention import parse_retention
from .job_base import CLOSE_SECONDS, JobBase, JobFutureBase, JobQueueFullError, JobStoreError

if TYPE_CHECKING:
    from ._job_store import JobStore

__all__ = ["LocalJobBase", "LocalJobFuture"]

log = alog.use_channel("LOCALJOB")
error = error_handler.get(log)

# what the system needs to remove a killed process
_KILL_SECONDS = 0.5
_DEFAULT_CONCURRENT_JOBS = max(8, os.cpu_count() or 1)

_DEFAULT_QUEUED_JOBS = 1000

FutureType = TypeVar("FutureType", bound=LocalJobFuture)
FoundType = TypeVar("FoundType", bound=JobFutureBase)


class LocalJobBase(JobBase, Generic[FutureType, FoundType]):
    """Runs jobs on this machine and keeps their records for a while: in memory, or with a `work_dir` on disk."""

    LocalJobFuture = LocalJobFuture

    _kind = "job"
    _id_name = "job_id"

    def __init__(self, config: aconfig.Config, instance_name: str) -> None:
        super().__init__(config, instance_name)
        self._retention: timedelta | None = parse_retention(config.get("retention_duration"))
        limit = _positive(config, "max_concurrent_jobs") or _DEFAULT_CONCURRENT_JOBS
        self._queue = JobQueue(limit, _most_queued(config))
        self._store = self._open_store(config.get("work_dir"))
        self._jobs: dict[str, FutureType] = {}
        self._jobs_lock = threading.Lock()

    @abc.abstractmethod
    def _recorded(self, store: JobStore, record: JobRecord) -> FoundType:
        """The handle of a job of which only the record is there."""

    @abc.abstractmethod
    def _delete_recorded_output(self, record: JobRecord) -> None:
        """Remove from disk what a job has saved of which only the record is there."""

    def _open_store(self, work_dir: Any) -> JobStore | None:
        error.type_check("<COR40281960E>", str, allow_none=True, work_dir=work_dir)
        if not work_dir:
            return None
        from ._job_store import open_store

        try:
            return open_store(work_dir)
        except JobStoreError as problem:
            setting = f"model_management.*.{self._instance_name}.config.work_dir"
            raise JobStoreError(f"{problem} ({setting})") from problem

    def _deletes_expired_output(self) -> bool:
        return True

    def _new_id(self) -> str:
        return str(uuid.uuid4())

    def _start_methods(self) -> list[Callable[..., Any]]:
        """What is called to start a job; the keywords of the work that have names of its parameters travel apart."""
        return []

    def pass_on(self, module_kwargs: Mapping[str, Any]) -> dict[str, Any]:
        own = {name for method in self._start_methods() for name in inspect.signature(method).parameters}
        hidden = {name: value for name, value in module_kwargs.items() if name in own}
        passed = {name: value for name, value in module_kwargs.items() if name not in own}
        return {**passed, "module_kwargs": hidden} if hidden else passed

    def close(self, timeout: float = CLOSE_SECONDS) -> bool:
        deadline = time.monotonic() + timeout
        with self._jobs_lock:
            unfinished = [job for job in self._jobs.values() if not job.is_over]
        for job in unfinished:
            job.cancel_because(RuntimeError("Cancelled because the process that ran the job was stopped"))
        left = [job for job in unfinished if not job.wait_until(deadline)]
        for job in left:
            job.kill()
        deadline = time.monotonic() + _KILL_SECONDS
        left = [job for job in left if not job.wait_until(deadline)]
        self._queue.abandon()
        for job in left:
            log.warning("<COR40281959W>", "Job %s cannot be stopped and is left behind", job.id)
        return not left

    def count_jobs(self) -> Mapping[JobStatus, int]:
        with self._jobs_lock:
            jobs = list(self._jobs.values())
        return Counter(job.get_info().status for job in jobs)

    def get_futures(self) -> list[JobFutureBase]:
        self._purge()
        with self._jobs_lock:
            jobs = dict(self._jobs)
        found: list[JobFutureBase] = list(jobs.values())
        if self._store is not None:
            records = self._store.newest(self._kind, self._instance_name)
            found += [self._recorded(self._store, each) for each in records if each.key.id not in jobs]
        return sorted(found, key=submission_time, reverse=True)

    def _start(self, job: FutureType) -> FutureType:
        self._purge()
        with self._jobs_lock:
            known = self._jobs.get(job.id)
            if known is not None and not known.get_info().status.is_terminal:
                self._refuse_restart(job.id)
            try:
                self._queue.check()
                record = self._record(job)
                self._jobs[job.id] = job
                self._submit(job, record, known)
            except JobQueueFullError as full:
                raise JobQueueFullError(self._explained(full)) from None
        return job

    def _submit(self, job: FutureType, record: JobRecord | None, known: FutureType | None) -> None:
        try:
            job.start_in(self._queue)
        except RuntimeError:
            if known is None:
                del self._jobs[job.id]
            else:
                self._jobs[job.id] = known
            if self._store is not None and record is not None:
                self._store.remove(record)
            raise

    def _record(self, job: FutureType) -> JobRecord | None:
        """Make the record that the job will keep up to date."""
        store = self._store
        if store is None:
            return None
        key = JobKey(self._kind, self._instance_name, job.id)
        former = store.get(key)
        if former is not None:
            settle(store, former)
        record = JobRecord(
            key=key,
            owner="",
            worker=job.worker,
            info=job.get_info(),
            save_path=_absolute(getattr(job, "save_path", None)),
            draft_folder=_absolute(job.draft_folder),
            log_path=_new_log_path(store, key),
            labels=job.labels,
        )
        if not store.add(record):
            self._refuse_restart(job.id)
        if former is not None:
            _remove_file(former.log_path)
        entry = JobEntry(store, key)
        job.record_in(entry, record.log_path)
        store.watch.add(job, entry)
        return record

    def _refuse_restart(self, job_id: str) -> NoReturn:
        message = f"Cannot restart {self._kind} {job_id} that is currently running"
        error("<COR35431427E>", ValueError(f"value check failed: {message}"))

    def _explained(self, full: JobQueueFullError) -> str:
        return f"No more {self._kind} jobs are taken: {full} (max_concurrent_jobs and max_queued_jobs of {self._instance_name!r})"

    def _find(self, job_id: str) -> FutureType | FoundType:
        self._purge()
        prefix = f"{ReversibleHasher.hash(self._instance_name)}{JobFutureBase.ID_DELIMITER}"
        candidates = (job_id, job_id.removeprefix(prefix))
        for candidate in candidates:
            job = self._jobs.get(candidate)
            if job is not None:
                return job
        for candidate in candidates:
            recorded = self._find_record(candidate)
            if recorded is not None:
                return recorded
        # Not logged: a lookup may go from component to component.
        raise CaikitCoreException(CaikitCoreStatusCode.NOT_FOUND, f"Unknown {self._id_name}: {job_id}")

    def _find_record(self, job_id: str) -> FoundType | None:
        if self._store is None:
            return None
        record = self._store.get(JobKey(self._kind, self._instance_name, job_id))
        return None if record is None else self._recorded(self._store, record)

    def _purge(self) -> None:
        """Forget the jobs that finished too long ago."""
        if self._retention is None:
            return
        limit = datetime.now() - self._retention
        with self._jobs_lock:
            expired = [job for job in self._jobs.values() if _finished_before(job, limit)]
            for job in expired:
                del self._jobs[job.id]
        if self._store is not None:
            self._purge_records(self._store, limit)
            return
        for job in expired:
            log.debug("Forgetting job %s", job.id)
            if self._deletes_expired_output():
                job._delete_result()

    def _purge_records(self, store: JobStore, limit: datetime) -> None:
        try:
            for record in store.finished_before(self._kind, self._instance_name, limit):
                # While it is in memory the work may still be going on, though it was cancelled.
                if record.key.id in self._jobs or not store.remove(record):
                    continue
                log.debug("Forgetting job %s", record.key.id)
                _remove_file(record.log_path)
                if self._deletes_expired_output():
                    self._delete_recorded_output(record)
        except (JobStoreError, OSError) as problem:  # another time
            log.warning("<COR40281961W>", "Old jobs cannot be forgotten: %s", problem)


def submission_time(job: JobFutureBase) -> datetime:
    return job.get_info().submission_time or datetime.min


def _finished_before(job: LocalJobFuture, limit: datetime) -> bool:
    completion_time = job.get_info().completion_time
    return job.is_over and completion_time is not None and completion_time <= limit


def _positive(config: aconfig.Config, key: str) -> int | None:
    value: int | None = config.get(key)
    error.type_check("<COR40281957E>", int, allow_none=True, **{key: value})
    error.value_check("<COR40281958E>", value is None or value >= 0, f"{key} must be positive: {value}")
    return value


def _most_queued(config: aconfig.Config) -> int | None:
    return _positive(config, "max_queued_jobs") if "max_queued_jobs" in config else _DEFAULT_QUEUED_JOBS


def _absolute(path: Any) -> str | None:
    return None if path is None else os.path.abspath(path)


def _new_log_path(store: JobStore, key: JobKey) -> str:
    readable = re.sub(r"[^A-Za-z0-9.-]+", "_", f"{key.kind}-{key.id}")[:120]
    return os.path.join(store.directory, LOG_FOLDER, f"{readable}-{uuid.uuid4().hex[:8]}.log")


def _remove_file(path: str | None) -> None:
    if path is not None:
        with contextlib.suppress(OSError):
            Path(path).unlink()
