"""Jobs of this process, in threads or child processes."""

from __future__ import annotations

import inspect
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import aconfig
import alog

from ..exceptions import error_handler
from ..exceptions.caikit_core_exception import CaikitCoreException, CaikitCoreStatusCode
from ..toolkit.reversible_hasher import ReversibleHasher
from ._job_queue import JobQueue
from ._local_job_future import LocalJobFuture
from ._retention import parse_retention
from .job_base import CLOSE_SECONDS, JobBase, JobFutureBase

__all__ = ["LocalJobBase", "LocalJobFuture"]

log = alog.use_channel("LOCALJOB")
error = error_handler.get(log)

# what the system needs to remove a killed process
_KILL_SECONDS = 0.5
_DEFAULT_CONCURRENT_JOBS = max(8, os.cpu_count() or 1)

FutureType = TypeVar("FutureType", bound=LocalJobFuture)


class LocalJobBase(JobBase, Generic[FutureType]):
    """Runs jobs in this process and keeps their records for a while."""

    LocalJobFuture = LocalJobFuture

    def __init__(self, config: aconfig.Config, instance_name: str) -> None:
        super().__init__(config, instance_name)
        self._retention: timedelta | None = parse_retention(config.get("retention_duration"))
        limit = config.get("max_concurrent_jobs") or _DEFAULT_CONCURRENT_JOBS
        error.type_check("<COR40281957E>", int, max_concurrent_jobs=limit)
        error.value_check("<COR40281958E>", limit > 0, f"max_concurrent_jobs must be positive: {limit}")
        self._queue = JobQueue(limit)
        self._jobs: dict[str, FutureType] = {}
        self._jobs_lock = threading.Lock()

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
            job.cancel()
        left = [job for job in unfinished if not job.wait_until(deadline)]
        for job in left:
            job.kill()
        deadline = time.monotonic() + _KILL_SECONDS
        left = [job for job in left if not job.wait_until(deadline)]
        self._queue.abandon()
        for job in left:
            log.warning("<COR40281959W>", "Job %s cannot be stopped and is left behind", job.id)
        return not left

    def _start(self, job: FutureType, kind: str) -> FutureType:
        self._purge()
        with self._jobs_lock:
            known = self._jobs.get(job.id)
            if known is not None and not known.get_info().status.is_terminal:
                error(
                    "<COR35431427E>",
                    ValueError(
                        f"value check failed: Cannot restart {kind} {job.id} that is currently running"
                    ),
                )
            self._jobs[job.id] = job
        try:
            job.start_in(self._queue)
        except RuntimeError:
            del self._jobs[job.id]
            raise
        return job

    def _find(self, job_id: str, kind: str) -> FutureType:
        self._purge()
        prefix = f"{ReversibleHasher.hash(self._instance_name)}{JobFutureBase.ID_DELIMITER}"
        for candidate in (job_id, job_id.removeprefix(prefix)):
            job = self._jobs.get(candidate)
            if job is not None:
                return job
        # Not logged: a lookup may go from component to component.
        raise CaikitCoreException(CaikitCoreStatusCode.NOT_FOUND, f"Unknown {kind}: {job_id}")

    def _purge(self) -> None:
        """Forget the jobs that finished too long ago."""
        if self._retention is None:
            return
        limit = datetime.now() - self._retention
        with self._jobs_lock:
            expired = [job for job in self._jobs.values() if _finished_before(job, limit)]
            for job in expired:
                del self._jobs[job.id]
        for job in expired:
            log.debug("Forgetting job %s", job.id)
            if self._deletes_expired_output():
                job._delete_result()


def _finished_before(job: LocalJobFuture, limit: datetime) -> bool:
    completion_time = job.get_info().completion_time
    return job.is_over and completion_time is not None and completion_time <= limit
