"""A process that works on for a job when the process which started it is gone."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import alog

from ._job_log import write_line
from ._job_record import JobKey
from ._job_recovery import conclude
from .job_base import JobStoreError

if TYPE_CHECKING:
    from types import TracebackType

    from ._progress_board import ProgressBoard

log = alog.use_channel("JOBSTORE")

_PERIOD_SECONDS = 0.5
_ENDED = 1


@dataclass(frozen=True)
class Inheritance:
    """What such a process must know."""

    directory: str
    key: JobKey
    owner: str
    """Who started it."""
    worker: str
    """The process itself."""


class Heir:
    """Inside of the context the work is done. The job has one owner at a time: whoever changes its record first."""

    def __init__(self, inheritance: Inheritance, log_path: str | None, board: ProgressBoard) -> None:
        from ._job_store import open_as_worker

        self._key = inheritance.key
        self._owner = inheritance.owner
        self._log_path = log_path
        self._board = board
        self._store = open_as_worker(inheritance.directory, inheritance.worker)
        self._owns = False
        self._lock = threading.Lock()
        self._over = threading.Event()

    def __enter__(self) -> None:
        self._look()
        threading.Thread(target=self._watch, name="caikit-job-heir", daemon=True).start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._over.set()
            try:
                self._finish(problem)
            except JobStoreError as trouble:  # the result is worth more than its record
                log.error("<COR46127309E>", "The end of job %s is not recorded: %s", self._key.id, trouble)

    def _finish(self, problem: BaseException | None) -> None:
        if problem is None:
            # From now on the result counts, whoever is left to move it to its place.
            self._store.mark_publishing(self._key)
        self._inherit()
        if self._owns:
            conclude(self._store, self._key, _as_error(problem))

    def _watch(self) -> None:
        while not self._over.wait(_PERIOD_SECONDS):
            try:
                with self._lock:
                    if not self._over.is_set():
                        self._look()
            except JobStoreError as trouble:
                log.debug("<COR46127308D>", "Trying again: %s", trouble)

    def _look(self) -> None:
        self._inherit()
        if not self._owns:
            return
        progress = self._board.read()
        if progress is not None:
            self._store.set_progress(self._key, progress)
        if self._store.to_cancel():
            # Whoever finds that this process is gone removes what it has written.
            os._exit(_ENDED)

    def _inherit(self) -> None:
        """Take the job over if its owner is gone."""
        if self._owns or self._store.is_alive(self._owner):
            return
        record = self._store.get(self._key)
        if record is None or record.owner != self._owner or not self._store.adopt(record):
            # Its end is recorded already, so nobody wants the result.
            os._exit(_ENDED)
        self._owns = True
        write_line(self._log_path, "The process that started this job is gone; the job goes on")


def _as_error(problem: BaseException | None) -> Exception | None:
    if problem is None or isinstance(problem, Exception):
        return problem
    return RuntimeError(f"The work was ended by {problem!r}")
