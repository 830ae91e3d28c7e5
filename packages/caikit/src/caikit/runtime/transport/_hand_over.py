"""The bounded line between a worker that produces a stream and the coroutine that sends it."""

from __future__ import annotations

import asyncio

from ._loop_bridge import LoopBridge
from ._out_line import Item, OutLine

__all__ = ["HandOver", "Item"]


class HandOver(OutLine[Item]):
    """An `OutLine` that is read by a coroutine."""

    def __init__(self, bridge: LoopBridge, *, stall_seconds: float | None = None) -> None:
        super().__init__(bridge, self._wake, stall_seconds=stall_seconds)
        self.failed = False
        """The producer has ended without having said why."""
        self._waiter: asyncio.Future[bool] | None = None

    async def receive(self, patience: float) -> list[Item] | None:
        """All items that are ready, after waiting for the first; [] when patience ends, None at the end."""
        while not (self._items or self._finished or self._closed):
            if not await self._wait(patience):
                return []
        if self._closed:
            return None
        items = self.take()
        # What came after that is still to be taken.
        return items if items or not self.ended else None

    def close(self) -> None:
        """Nobody reads any more: free the producer."""
        super().close()
        self._wake()

    async def _wait(self, patience: float) -> bool:
        """True when something has happened, False when patience has ended."""
        loop = self._bridge.loop
        self._waiter = loop.create_future()
        timer = loop.call_later(patience, self._wake, False)
        try:
            return await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _wake(self, happened: bool = True) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(happened)
