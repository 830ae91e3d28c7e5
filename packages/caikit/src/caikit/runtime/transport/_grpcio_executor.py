"""Gives the calls that `grpcio` accepts to the worker pool."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any

from caikit.runtime.engine import Gate, RequestError, WorkerPool

CONTROL_THREADS = 2


class LaneExecutor(futures.Executor):
    """The executor of one `grpcio` server.

    Calls run in the worker pool, except those that must not wait in its line: refusals and health checks.
    `grpcio` looks a method up and submits its call in one thread, so the lane of a call is chosen at the look-up.
    """

    def __init__(self, workers: WorkerPool, gate: Gate) -> None:
        self._workers = workers
        self._gate = gate
        self._control = WorkerPool(CONTROL_THREADS, name="caikit_control")
        self._thread = threading.local()
        self._running = 0
        self._running_lock = threading.Lock()

    @property
    def running(self) -> int:
        """How many calls wait for workers or are served by them."""
        return self._running

    @property
    def queued(self) -> int:
        """How many calls wait because all workers are busy."""
        return self._workers.queued

    def use_control_lane(self, control: bool) -> None:
        """Choose the lane of the next call that this thread submits."""
        self._thread.control = control

    def find_refusal(self) -> RequestError | None:
        """Why the call that this thread serves is refused after all."""
        return self._gate.overdue() if getattr(self._thread, "overdue", False) else None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> _Completion:  # type: ignore[override]
        # `grpcio` only adds a callback to what it gets; a real Future costs several times as much.
        completion = _Completion()
        if getattr(self._thread, "control", False):
            self._control.submit(_run, completion, fn, args)
        else:
            with self._running_lock:
                self._running += 1
            self._workers.submit(self._run, completion, fn, args, refuse=self._refuse)
        return completion

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._control.close(1.0 if wait else 0.0)

    def _run(self, completion: _Completion, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        try:
            function(*args)
        finally:
            with self._running_lock:
                self._running -= 1
            completion.finish()

    def _refuse(self, *call: Any) -> None:
        """In place of `_run`, after a long wait for a worker."""
        self._control.submit(self._run_overdue, *call)

    def _run_overdue(self, *call: Any) -> None:
        self._thread.overdue = True
        try:
            self._run(*call)
        finally:
            self._thread.overdue = False


class _Completion:
    """Calls back when a call is done; each callback once."""

    __slots__ = ("_callbacks", "_done")

    def __init__(self) -> None:
        self._callbacks: list[Callable[[Any], object]] = []
        self._done = False

    def add_done_callback(self, fn: Callable[[Any], object]) -> None:
        self._callbacks.append(fn)
        if self._done:
            self.finish()

    def finish(self) -> None:
        self._done = True
        while True:
            try:
                callback = self._callbacks.pop()
            except IndexError:
                return
            callback(None)


def _run(completion: _Completion, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    try:
        function(*args)
    finally:
        completion.finish()
