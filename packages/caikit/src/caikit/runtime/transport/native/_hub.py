"""The event loop, as connections and requests see it."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from typing import Protocol

from caikit.runtime.transport._loop_bridge import LoopBridge

SERVER = b"caikit"


class Flushable(Protocol):
    def flush(self) -> None:
        """Write what was collected."""


class Hub(LoopBridge):
    """Collects what connections have to write, so that each writes once for all that is ready."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._unflushed: list[Flushable] = []
        self.busy = False
        """Whoever runs now flushes at its end."""
        self.draining = False
        self.running = 0
        """Requests that have come and are not answered."""
        self.date = b""
        self.own_headers = b""
        self.tick()

    def tick(self) -> None:
        """Renew what changes with the time; called from time to time."""
        self.date = formatdate(time.time(), usegmt=True).encode()
        self.own_headers = b"server: %b\r\ndate: %b\r\n" % (SERVER, self.date)

    def flush_later(self, connection: Flushable) -> None:
        self._unflushed.append(connection)
        if not self.busy:
            self.busy = True
            self.loop.call_soon(self.flush)

    def flush(self) -> None:
        unflushed = self._unflushed
        while unflushed:
            unflushed.pop().flush()
        self.busy = False

    def _drain(self) -> None:
        self.busy = True
        try:
            super()._drain()
        finally:
            self.flush()
