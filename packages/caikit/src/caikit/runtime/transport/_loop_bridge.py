"""Takes jobs from an event loop to workers, and results from workers to the loop.

To wake a sleeping thread costs more than a quick model, so one wake-up serves many:

1. Jobs that the loop submits wait in line until it has read all that has come; then one worker is woken for all.
2. Waking gives up Python's lock, so on a busy core the worker runs at once. The loop goes on when that has nothing
   more to do, or begins to wait for something, or holds the lock for too long (`sys.getswitchinterval`).
3. Whatever is ready by then is taken by the loop right there: nobody has to wake it.
4. What becomes ready later wakes the loop, once for all that is ready when it comes to it.
5. A job that is not quick keeps nobody waiting: the pool itself looks after what stands in line behind it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import alog

from caikit.runtime.engine import WorkerPool

log = alog.use_channel("LOOP-BRIDGE")


class LoopBridge:
    """One for each event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ready: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._awake = False
        """The loop will take what is ready without being asked."""
        self._to_wake: list[WorkerPool] = []

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def submit(
        self,
        workers: WorkerPool,
        function: Callable[..., object],
        *args: Any,
        refuse: Callable[..., object] | None = None,
    ) -> None:
        """As `workers.submit`, called in the loop."""
        workers.put(function, *args, refuse=refuse)
        if workers not in self._to_wake:
            if not self._to_wake:
                self._loop.call_soon(self._wake_workers)
            self._to_wake.append(workers)

    def call(self, callback: Callable[..., object], *args: Any) -> None:
        """Run a callback in the loop. Called from any thread; once the loop is closed, nobody waits for results."""
        self._ready.append((callback, args))
        if not self._awake:
            self._awake = True
            try:
                self._loop.call_soon_threadsafe(self._drain)
            except RuntimeError:
                self._ready.clear()

    def call_or_run(self, callback: Callable[..., object], *args: Any) -> None:
        """As `call`; in the loop itself at once, before whatever its caller does next."""
        try:
            here: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is self._loop:
            callback(*args)
        else:
            self.call(callback, *args)

    def _wake_workers(self) -> None:
        to_wake, self._to_wake = self._to_wake, []
        self._awake = True
        try:
            for workers in to_wake:
                workers.wake()
        finally:
            self._drain()

    def _drain(self) -> None:
        # Reset first: what is added from now on wakes the loop again.
        self._awake = False
        while self._ready:
            callback, args = self._ready.popleft()
            try:
                callback(*args)
            except Exception as error:
                # Those that stand in line behind it have nothing to do with it.
                log.error("<RUN51820344E>", "A result was lost in the event loop: %r", error, exc_info=True)
