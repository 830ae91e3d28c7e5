"""A job's own record, and the thread that keeps the records of running jobs up to date."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import alog

from ._job_heir import Inheritance
from ._job_record import JobKey, progress_of
from .job_base import JobInfo, JobStoreError
from .job_progress import Progress

if TYPE_CHECKING:
    from ._job_store import JobStore

log = alog.use_channel("JOBSTORE")

_PERIOD_SECONDS = 0.5


class JobEntry:
    """What happens to a job is written here before anybody sees it. Failures are made up for later."""

    def __init__(self, store: JobStore, key: JobKey) -> None:
        self.store = store
        self.key = key
        self._lock = threading.Lock()
        self._unwritten: list[tuple[JobInfo, str | None]] = []

    @property
    def is_written(self) -> bool:
        return not self._unwritten

    def advance(self, info: JobInfo, result_class: str | None) -> None:
        with self._lock:
            self._unwritten.append((info, result_class))
            try:
                self._write()
            except JobStoreError as problem:
                log.error(
                    "<COR46127304E>", "The state of job %s is not recorded yet: %s", self.key.id, problem
                )

    def catch_up(self) -> None:
        """Write what could not be written before."""
        with self._lock:
            self._write()

    def mark_publishing(self) -> None:
        try:
            self.store.mark_publishing(self.key)
        except JobStoreError as problem:  # the result is worth more than its record
            log.error("<COR46127305E>", "The end of job %s is not recorded yet: %s", self.key.id, problem)

    def inheritance(self, worker: str | None) -> Inheritance | None:
        """What the process of this name needs to go on without this one."""
        if worker is None:
            return None
        return Inheritance(self.store.directory, self.key, self.store.owner, worker)

    def labels(self) -> Mapping[str, str]:
        record = self.store.get(self.key)
        return {} if record is None else record.labels

    def _write(self) -> None:
        while self._unwritten:
            info, result_class = self._unwritten[0]
            if not self.store.advance(self.key, info, result_class):
                log.warning(
                    "<COR46127306W>",
                    "The record of job %s does not get from its state to %s",
                    self.key.id,
                    info.status,
                )
            del self._unwritten[0]


class WatchedJob(Protocol):
    """What the watch needs of a job."""

    @property
    def is_over(self) -> bool: ...
    def get_info(self) -> JobInfo: ...
    def cancel(self) -> None: ...


class JobWatch:
    """Looks after the jobs of this process as long as there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[JobKey, tuple[WatchedJob, JobEntry]] = {}
        self._thread: threading.Thread | None = None
        self._progress: dict[JobKey, Progress] = {}

    def add(self, job: WatchedJob, entry: JobEntry) -> None:
        with self._lock:
            self._jobs[entry.key] = (job, entry)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, args=(entry.store,), name="caikit-jobs-watch", daemon=True
                )
                self._thread.start()

    def _run(self, store: JobStore) -> None:
        pause = threading.Event()
        while not pause.wait(_PERIOD_SECONDS) and self._has_work():
            try:
                self._look_after(store)
            except JobStoreError as problem:
                log.debug("<COR46127307D>", "Trying again: %s", problem)

    def _has_work(self) -> bool:
        with self._lock:
            for key, (job, entry) in list(self._jobs.items()):
                if job.is_over and entry.is_written:
                    del self._jobs[key]
                    self._progress.pop(key, None)
            if not self._jobs:
                self._thread = None
            return bool(self._jobs)

    def _look_after(self, store: JobStore) -> None:
        with self._lock:
            jobs = dict(self._jobs)
        for job, entry in jobs.values():
            entry.catch_up()
            self._write_progress(job, entry)
        for key in store.to_cancel():
            if key in jobs:
                jobs[key][0].cancel()

    def _write_progress(self, job: WatchedJob, entry: JobEntry) -> None:
        progress = progress_of(job.get_info())
        if progress != self._progress.get(entry.key, Progress()):
            entry.store.set_progress(entry.key, progress)
            self._progress[entry.key] = progress
