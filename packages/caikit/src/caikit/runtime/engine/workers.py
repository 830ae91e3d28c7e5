"""The threads that serve requests."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import alog

log = alog.use_channel("WORKERS")

Job = tuple[Callable[..., object], tuple[Any, ...]]


class WorkerPool:
    """A fixed number of threads, started when they are needed; work that finds no free thread waits in line."""

    def __init__(self, size: int, *, name: str = "caikit_runtime") -> None:
        if size < 1:
            raise ValueError(f"expected at least one worker thread, got {size}")
        self.size = size
        self._name = name
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        # One entry per thread that waits for work. List operations are atomic and cheaper than a semaphore.
        self._idle: list[None] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function in a worker. Never blocks, never fails; the function must not raise."""
        self._jobs.put((function, args))
        try:
            self._idle.pop()
        except IndexError:
            if len(self._threads) < self.size:
                self._start_thread()

    @property
    def queued(self) -> int:
        """How many jobs wait for a thread."""
        return self._jobs.qsize()

    def close(self, timeout: float | None = None) -> bool:
        """End the threads after the work that is waiting; tells whether all ended in time."""
        with self._lock:
            self._closed = True
            threads = list(self._threads)
        for _ in threads:
            self._jobs.put(None)
        deadline = None if timeout is None else time.monotonic() + timeout
        for thread in threads:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _start_thread(self) -> None:
        with self._lock:
            if self._closed or len(self._threads) >= self.size:
                return
            # Daemon: a thread stuck in foreign code must not keep the process alive.
            thread = threading.Thread(
                target=self._work, name=f"{self._name}_{len(self._threads)}", daemon=True
            )
            self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        jobs, idle = self._jobs, self._idle
        while True:
            try:
                job = jobs.get_nowait()
            except queue.Empty:
                idle.append(None)
                job = jobs.get()
            if job is None:
                return
            function, args = job
            try:
                function(*args)
            except BaseException as error:
                log.error("<RUN61530297E>", "A worker caught what nobody else did: %r", error, exc_info=True)
            # An idle thread must not keep the last request alive.
            del job, function, args
