"""Gives the calls that `grpcio` accepts to the worker pool."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any

from caikit.runtime.engine import WorkerPool

CONTROL_THREADS = 2


class LaneExecutor(futures.Executor):
    """The executor of one `grpcio` server.

    Calls run in the worker pool, except those that must not wait in its line: refusals and health checks.
    `grpcio` looks a method up and submits its call in one thread, so the lane of a call is chosen at the look-up.
    """

    def __init__(self, workers: WorkerPool) -> None:
        self._workers = workers
        self._control = WorkerPool(CONTROL_THREADS, name="caikit_control")
        self._choice = threading.local()

    def use_control_lane(self, control: bool) -> None:
        """Choose the lane of the next call that this thread submits."""
        self._choice.control = control

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> _Completion:  # type: ignore[override]
        # `grpcio` only adds a callback to what it gets; a real Future costs several times as much.
        completion = _Completion()
        pool = self._control if getattr(self._choice, "control", False) else self._workers
        pool.submit(_run, completion, fn, args)
        return completion

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._control.close(1.0 if wait else 0.0)


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
