"""The bounded line between a worker that produces a stream and the event loop that sends it."""

from __future__ import annotations

import asyncio
import queue
from collections import deque
from typing import Generic, TypeVar

from ._loop_bridge import LoopBridge

Item = TypeVar("Item")

CREDITS = 16


class HandOver(Generic[Item]):
    """Holds at most CREDITS items; the producer waits for a credit and learns when nobody reads any more."""

    def __init__(self, bridge: LoopBridge, *, stall_seconds: float | None = None) -> None:
        self._bridge = bridge
        self._stall_seconds = stall_seconds
        self._items: deque[Item] = deque()
        self._credits: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(CREDITS):
            self._credits.put(None)
        self.stalled = False
        self.failed = False
        """The producer has ended without having said why."""
        self._closed = False
        self._finished = False
        self._waiter: asyncio.Future[bool] | None = None

    # The producer's side, in a worker

    def put(self, item: Item) -> bool:
        """Hand an item over, waiting for room; False when the reader has gone or takes nothing for too long."""
        try:
            self._credits.get(timeout=self._stall_seconds)
        except queue.Empty:
            self.stalled = True
        if self._closed or self.stalled:
            return False
        self._items.append(item)
        self._bridge.call(self._wake)
        return True

    def finish(self) -> None:
        """There are no more items."""
        self._finished = True
        self._bridge.call(self._wake)

    # The reader's side, in the event loop

    async def take(self, patience: float) -> list[Item] | None:
        """All items that are ready, after waiting for the first; [] when patience ends, None at the end."""
        while not (self._items or self._finished or self._closed):
            if not await self._wait(patience):
                return []
        if self._closed:
            return None
        items: list[Item] = []
        while self._items:
            items.append(self._items.popleft())
            self._credits.put(None)
        # What came after the loop above is still to be taken, so only a finished and empty line has ended.
        return items if items or not self._finished or self._items else None

    def close(self) -> None:
        """Nobody reads any more: free the producer."""
        self._closed = True
        self._credits.put(None)
        self._wake()

    async def _wait(self, patience: float) -> bool:
        """True when something has happened, False when patience has ended."""
        self._waiter = self._bridge.loop.create_future()
        timer = self._bridge.loop.call_later(patience, self._wake, False)
        try:
            return await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _wake(self, happened: bool = True) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(happened)
