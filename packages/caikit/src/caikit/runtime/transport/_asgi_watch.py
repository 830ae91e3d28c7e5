"""Watches the connections of requests that take a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

# A short call is over before its client can leave; the watch over the connection is only worth it after that.
_WATCH_AFTER_SECONDS = 0.01


class Watch:
    """Calls back when the client leaves before the answer is complete."""

    __slots__ = ("_on_leave", "_receive", "_task", "_watches", "seen")

    def __init__(self, watches: set[Watch], receive: Receive, on_leave: Callable[[], object]) -> None:
        self._watches = watches
        self._receive = receive
        self._on_leave = on_leave
        self._task: asyncio.Task[None] | None = None
        self.seen = False
        watches.add(self)

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._watches.discard(self)
        self._task = loop.create_task(self._wait())

    def stop(self) -> None:
        self._watches.discard(self)
        if self._task is not None:
            self._task.cancel()

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._on_leave()


class Watches:
    """Begins the watches of one loop that are still wanted after a while, with one timer for all."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: set[Watch] = set()
        self._scheduled = False

    def add(self, receive: Receive, on_leave: Callable[[], object]) -> Watch:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_later(_WATCH_AFTER_SECONDS, self._sweep)
        return Watch(self._waiting, receive, on_leave)

    def _sweep(self) -> None:
        self._scheduled = bool(self._waiting)
        if not self._scheduled:
            return
        for watch in list(self._waiting):
            if watch.seen:
                watch.begin(self._loop)
            else:
                watch.seen = True
        self._loop.call_later(_WATCH_AFTER_SECONDS, self._sweep)
