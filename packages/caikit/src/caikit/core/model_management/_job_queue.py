"""Jobs that wait for their turn."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable

Job = Callable[[], None]


class JobQueue:
    """Runs jobs in the order of their arrival, a limited number at a time; idle queues have no threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._running = 0

    def submit(self, job: Job) -> None:
        with self._lock:
            self._waiting.append(job)
            if self._running == self._limit:
                return
            self._running += 1
        try:
            threading.Thread(target=self._work, name="caikit-jobs").start()
        except RuntimeError:
            with self._lock:
                self._running -= 1
            self.discard(job)
            raise

    def discard(self, job: Job) -> None:
        """Take a job out of the queue if it did not start yet."""
        with self._lock, contextlib.suppress(ValueError):
            self._waiting.remove(job)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._running -= 1
                    return
                job = self._waiting.popleft()
            job()
            # Otherwise an idle moment in `popleft` above would keep the job and its data alive.
            del job
