"""What all connections have in common, whatever they speak."""

from __future__ import annotations

import asyncio
import math
import socket
import time
from typing import TYPE_CHECKING, Any, Protocol

import alog

from caikit.runtime.engine.guard import Peer
from caikit.runtime.engine.limits import STALL_SECONDS_KEY
from caikit.runtime.transport._peer_names import peer_names

from ._hub import Hub
from ._limits import Limits

if TYPE_CHECKING:
    from ._heads import Head

log = alog.use_channel("SERVR-NATIVE")

# Bytes that may wait for a client that does not read, before nothing is made for it any more.
_MOST_UNSENT = 256 * 1024
GOODBYE_SECONDS = 0.1
"""At the end of a server, requests that are on their way are still served for so long."""


class Request(Protocol):
    """What a connection is busy with."""

    @property
    def head(self) -> Head: ...

    def stop(self) -> None:
        """End it now."""


class Connection(asyncio.Protocol):
    """Collects writes, notices readers that are too slow, and knows its peer."""

    def __init__(self, hub: Hub, limits: Limits, connections: set[Connection]) -> None:
        self.hub = hub
        self.limits = limits
        self.writable = True
        self.closed = False
        self.is_secure = False
        self._connections = connections
        self._transport: Any = None
        self._out: list[bytes] = []
        self._unwritten: int | None = None
        self._unwritten_since = 0.0
        self._ending = self._lost = False

    # What the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self.is_secure = self._transport.get_extra_info("ssl_object") is not None
        self._transport.set_write_buffer_limits(_MOST_UNSENT)
        self._connections.add(self)

    def eof_received(self) -> None:
        """The client has gone: whatever runs for it ends now, not when it has read what waits to be written."""
        self.leave()
        if not self.closed and not self._ending:
            self._ending = True
            self._watch_unwritten()

    def leave(self) -> None:
        """End the requests that run, without a word."""

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = self._lost = True
        self._out.clear()
        self._connections.discard(self)

    def pause_writing(self) -> None:
        self.writable = False
        self._watch_unwritten()

    def resume_writing(self) -> None:
        self.writable = True
        if not self._ending:
            self._unwritten = None

    def _watch_unwritten(self) -> None:
        self._unwritten = self._transport.get_write_buffer_size()
        self._unwritten_since = time.monotonic()

    # Writing

    def write(self, data: bytes) -> None:
        if not self._out:
            self.hub.flush_later(self)
        self._out.append(data)

    def flush(self) -> None:
        out = self._out
        if out and not self.closed:
            data = out[0] if len(out) == 1 else b"".join(out)
            out.clear()
            self._transport.write(data)

    def close(self) -> None:
        """Close after all has been written, which the client must take in time."""
        if not self.closed and not self._ending:
            self.flush()
            self._ending = True
            self._watch_unwritten()
            self._transport.close()

    def abort(self) -> None:
        self._out.clear()
        if not self._lost:
            self._transport.abort()

    # What the server asks for

    def check(self, now: float) -> None:
        """End the connection if its client takes too long; called from time to time."""
        limit = self.limits.stall_seconds
        if self._unwritten is None or limit is None:
            return
        size = self._transport.get_write_buffer_size()
        if size < self._unwritten:
            self._unwritten, self._unwritten_since = size, now
        elif now - self._unwritten_since > limit:
            log.warning(
                "<RUN51820336W>",
                "A client has read nothing for %g seconds (%s) and is disconnected",
                limit,
                STALL_SECONDS_KEY,
            )
            self.abort()

    def requests(self) -> list[Request]:
        """Those that are not answered."""
        return []

    @property
    def is_idle(self) -> bool:
        """It waits for a request, or for the rest of the head of one."""
        return False

    @property
    def age(self) -> float:
        """Seconds, if it was never used; else infinite."""
        return math.inf

    def close_idle(self) -> None:
        self.close()

    def drain(self) -> None:
        """Take no more requests; close when those that run are answered."""
        raise NotImplementedError

    def stop(self) -> None:
        """End the requests that still run."""
        raise NotImplementedError

    # Who is there

    @property
    def crowd(self) -> int:
        """How many connections the server has."""
        return len(self._connections)

    def find_peer(self) -> Peer:
        return Peer(names=peer_names(self._transport), unix_socket=self._is_unix())

    def peer_address(self) -> tuple[str, int] | None:
        name = self._transport.get_extra_info("peername")
        return (str(name[0]), int(name[1])) if isinstance(name, tuple) and len(name) >= 2 else None

    def own_address(self) -> tuple[str, int] | None:
        name = self._transport.get_extra_info("sockname")
        return (str(name[0]), int(name[1])) if isinstance(name, tuple) and len(name) >= 2 else None

    def certificate(self) -> Any:
        """The verified certificate of the client, as `ssl` describes it; None without one."""
        secure = self._transport.get_extra_info("ssl_object")
        return secure.getpeercert() if secure is not None else None

    def _is_unix(self) -> bool:
        found = self._transport.get_extra_info("socket")
        return found is not None and found.family == getattr(socket, "AF_UNIX", None)
