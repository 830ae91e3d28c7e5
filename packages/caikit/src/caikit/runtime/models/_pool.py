"""Threads that load models."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable

import alog

log = alog.use_channel("MODEL-POOL")


class LoadPool:
    """Runs jobs in at most `threads` daemon threads, started when there is work for them.

    A model that hangs while loading must not keep the process alive, which the threads of
    `concurrent.futures` would do.
    """

    def __init__(self, threads: int | None) -> None:
        self._limit = threads or min(32, (os.cpu_count() or 1) + 4)
        self._ready = threading.Condition()
        self._jobs: deque[Callable[[], object]] = deque()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False

    def submit(self, job: Callable[[], object]) -> None:
        """Run the job soon; a closed pool forgets it."""
        with self._ready:
            if self._closed:
                return
            self._jobs.append(job)
            if self._idle >= len(self._jobs) or len(self._threads) >= self._limit:
                self._ready.notify()
                return
            thread = threading.Thread(target=self._run, name=f"caikit_load_{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self, timeout: float) -> bool:
        """Forget waiting jobs and join the threads; False if one is still busy after `timeout` seconds."""
        with self._ready:
            self._closed = True
            self._jobs.clear()
            self._ready.notify_all()
        end = time.monotonic() + timeout
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except Exception as error:
                log.error("<RUN20415788E>", "Job in the model pool failed: %r", error, exc_info=True)

    def _next(self) -> Callable[[], object] | None:
        with self._ready:
            self._idle += 1
            while not self._jobs and not self._closed:
                self._ready.wait()
            self._idle -= 1
            return self._jobs.popleft() if self._jobs else None
