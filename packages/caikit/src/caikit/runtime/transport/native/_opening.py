"""Finds out what a new connection speaks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from ._connection import Connection
from ._frames import PREFACE

_SHORTEST = 4


class Opening(Connection):
    """A connection until its first bytes have come: TLS says which protocol, or the client's preface does."""

    def __init__(
        self,
        *common: Any,
        open_http1: Callable[[], Connection],
        open_http2: Callable[[], Connection],
    ) -> None:
        super().__init__(*common)
        self._open_http1 = open_http1
        self._open_http2 = open_http2
        self._first = b""
        self._since = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        secure: Any = transport.get_extra_info("ssl_object")
        if secure is not None and secure.selected_alpn_protocol() == "h2":
            self._become(self._open_http2())

    def data_received(self, data: bytes) -> None:
        data = self._first + data
        # The first bytes of the preface are no method of HTTP/1.
        if not PREFACE.startswith(data[:_SHORTEST]):
            self._become(self._open_http1()).data_received(data)
        elif len(data) < _SHORTEST:
            self._first = data
        else:
            self._become(self._open_http2()).data_received(data)

    def check(self, now: float) -> None:
        limit = self.limits.read_seconds
        if limit is not None and now - self._since > limit:
            self.close()

    @property
    def is_idle(self) -> bool:
        return True

    @property
    def age(self) -> float:
        return time.monotonic() - self._since

    def drain(self) -> None:
        """What comes is told to the connection that this one becomes."""

    def stop(self) -> None:
        self.close()

    def _become(self, connection: Connection) -> Any:
        self._connections.discard(self)
        self._transport.set_protocol(connection)
        connection.connection_made(self._transport)
        if self.hub.draining:
            connection.drain()
        return connection
