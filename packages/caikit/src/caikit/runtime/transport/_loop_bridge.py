"""Brings results from worker threads into the event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any


class LoopBridge:
    """Runs callbacks in the loop; one wake-up serves all that are ready."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ready: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._awake = False

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def call(self, callback: Callable[..., object], *args: Any) -> None:
        """Called from any thread. Does nothing once the loop is closed: then nobody waits for results."""
        self._ready.append((callback, args))
        if not self._awake:
            self._awake = True
            try:
                self._loop.call_soon_threadsafe(self._drain)
            except RuntimeError:
                self._ready.clear()

    def _drain(self) -> None:
        # Reset first: what is added from now on wakes the loop again.
        self._awake = False
        while self._ready:
            callback, args = self._ready.popleft()
            callback(*args)
