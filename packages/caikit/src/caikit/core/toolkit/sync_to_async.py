"""Blocking iterables in asynchronous code."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncGenerator, Iterable
from concurrent.futures import Executor
from typing import Any, TypeVar

__all__ = ["async_wrap_iter"]

_Item = TypeVar("_Item")

_END = object()
_LOOP_CHECK_SECONDS = 1.0


def async_wrap_iter(it: Iterable[_Item], pool: Executor | None = None) -> AsyncGenerator[_Item, None]:
    """The items of `it`, produced by one thread of `pool` (or of the running loop's default executor).

    The work starts at once and runs at most one item ahead. An exception of `it` is raised after the items
    before it. Closing or dropping the generator ends the work at the next item.
    """
    loop = asyncio.get_running_loop()
    hand_off = _HandOff(loop)
    work = loop.run_in_executor(pool, hand_off.produce, it)
    work.add_done_callback(hand_off.finish)
    items: AsyncGenerator[_Item, None] = _items(hand_off, work)
    # a generator that was never started does not run its clean-up
    weakref.finalize(items, hand_off.stop).atexit = False
    return items


async def _items(hand_off: _HandOff, work: asyncio.Future[None]) -> AsyncGenerator[Any, None]:
    try:
        while (item := await hand_off.queue.get()) is not _END:
            hand_off.free.release()
            yield item
        await work
    finally:
        hand_off.stop()


class _HandOff:
    """One place for an item between a thread and an event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.free = threading.Semaphore(1)
        self._loop = loop
        self._stopped = False

    def produce(self, iterable: Iterable[Any]) -> None:
        iterator = iter(iterable)
        for item in iterator:
            if not self._wait_until_free():
                break
            try:
                self._loop.call_soon_threadsafe(self.queue.put_nowait, item)
            except RuntimeError:  # the loop was closed
                break
        close = getattr(iterator, "close", None)
        if close is not None:
            close()

    def _wait_until_free(self) -> bool:
        while not self.free.acquire(timeout=_LOOP_CHECK_SECONDS):
            if self._loop.is_closed():
                return False
        return not self._stopped

    def finish(self, work: asyncio.Future[None]) -> None:
        if not work.cancelled():
            work.exception()  # asked for, so that nobody complains when the consumer has gone
        self.queue.put_nowait(_END)

    def stop(self) -> None:
        self._stopped = True
        self.free.release()
