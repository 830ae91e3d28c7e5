"""How one of the two protocols of a listener ends, while the other one goes on or ends in its own time."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Literal

from ._connection import GOODBYE_SECONDS, Connection, Request
from ._hub import Hub
from ._services import Services

Protocol = Literal["grpc", "http"]

_POLL_SECONDS = 0.01
# How long cancelled requests may take to say so to their clients.
_FAREWELL_SECONDS = 1.0


class Departure:
    """The end of one protocol."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.end = math.inf
        """When its requests may run no longer, in seconds of `time.monotonic`; infinite before it begins."""
        self.over = threading.Event()
        """None of its requests runs any more."""
        self._stopped = False

    @property
    def has_begun(self) -> bool:
        return self.end < math.inf

    def begin(self, end: float) -> None:
        """Another call may bring the end forward."""
        self.end = min(self.end, end)

    def requests(self, connections: Iterable[Connection]) -> Iterator[Request]:
        of_grpc = self.protocol == "grpc"
        for connection in connections:
            for request in connection.requests():
                if of_grpc == (request.head.is_call or request.head.is_web):
                    yield request

    def go_on(self, connections: Iterable[Connection]) -> bool:
        """Called from time to time once it has begun: end what runs for too long. Tells whether nothing runs."""
        running = list(self.requests(connections))
        now = time.monotonic()
        if running and not self._stopped and now >= self.end:
            self._stopped = True
            for request in running:
                request.stop()
        if now >= self.end + _FAREWELL_SECONDS:
            self.over.set()
        return not running

    async def go_alone(self, hub: Hub, services: Services, connections: set[Connection]) -> None:
        """In the event loop, while the listener goes on: take no more requests, finish those that run."""
        if self.protocol == "grpc" and services.grpc is not None:
            services.grpc.drain()
        # What is on its way is still served.
        await asyncio.sleep(GOODBYE_SECONDS)
        service = services.grpc if self.protocol == "grpc" else services.http
        if service is not None and not hub.draining:
            service.gate.drain()
        while not hub.draining and not self.over.is_set():
            if self.go_on(list(connections)):
                self.over.set()
            await asyncio.sleep(_POLL_SECONDS)
