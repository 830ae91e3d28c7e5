"""Jobs that wait for their turn."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable

from .job_base import JobQueueFullError

Conclusion = Callable[[], None]
Job = Callable[[], Conclusion]
"""Does the work; what it returns tells the others, when the place of the job is free again."""


class JobQueue:
    """Runs jobs in the order of their arrival, `limit` at a time; idle queues have no threads.

    Others wait, `most_waiting` at the most (None: any number).

    The interpreter does not end before the jobs have, except for those that were abandoned.
    """

    def __init__(self, limit: int, most_waiting: int | None = None) -> None:
        self._limit = limit
        self._most_waiting = most_waiting
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._running = 0
        self._hold = _Hold()

    def check(self) -> None:
        """Raise JobQueueFullError if no job can be submitted now."""
        with self._lock:
            self._check()

    def _check(self) -> None:
        waiting = len(self._waiting)
        if self._most_waiting is not None and self._running >= self._limit and waiting >= self._most_waiting:
            raise JobQueueFullError(f"{self._running} jobs run and {waiting} wait already")

    def submit(self, job: Job) -> bool:
        """Whether the job runs at once; otherwise it waits. JobQueueFullError if it can do neither."""
        with self._lock:
            self._check()
            if self._running >= self._limit:
                self._waiting.append(job)
                return False
            hold = self._hold
            hold.take()
            try:
                # A daemon, since a thread that cannot be stopped would hold the interpreter for ever.
                threading.Thread(target=self._work, args=(job, hold), name="caikit-jobs", daemon=True).start()
            except RuntimeError:
                hold.give()
                raise
            self._running += 1
            return True

    def discard(self, job: Job) -> None:
        """Take a job out of the queue if it did not start yet."""
        with self._lock, contextlib.suppress(ValueError):
            self._waiting.remove(job)

    def abandon(self) -> None:
        """The interpreter may end while the jobs that run now are still running."""
        with self._lock:
            self._hold.drop()
            self._hold = _Hold()

    def _work(self, job: Job, hold: _Hold) -> None:
        next_job: Job | None = job
        # Otherwise the job and its data would stay alive as long as the thread.
        del job
        while next_job is not None:
            conclude = next_job()
            next_job = self._next()
            conclude()
            del conclude
        with self._lock:
            hold.give()

    def _next(self) -> Job | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._running -= 1
            return None


class _Hold:
    """Keeps the interpreter from ending as long as somebody has taken it; not thread-safe."""

    def __init__(self) -> None:
        self._holders = 0
        self._over: threading.Event | None = None

    def take(self) -> None:
        if self._over is None:
            over = threading.Event()
            threading.Thread(target=over.wait, name="caikit-jobs-unfinished", daemon=False).start()
            self._over = over
        self._holders += 1

    def give(self) -> None:
        self._holders -= 1
        if not self._holders:
            self.drop()

    def drop(self) -> None:
        if self._over is not None:
            self._over.set()
            self._over = None
