"""Closes ports so that whoever got a connection is served, and everybody else is refused.

When a listening socket is closed, the system resets the connections that nobody has accepted yet, and their clients
cannot know what has become of their requests. So new connections are kept out first, then those that have begun
are accepted.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import socket
import ssl
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

# Longer than it takes a client in the same data centre to finish what it has begun.
_HANDSHAKE_SECONDS = 0.03
_TLS_SECONDS = 0.2
# After so many turns, event loops have told of the connections that they had accepted.
_TURNS = 3
_UNIX = getattr(socket, "AF_UNIX", None)
# From asm-generic/socket.h; the module `socket` does not have it.
_SO_ATTACH_FILTER = 26
# A program of the classic packet filter (linux/filter.h) over the header of a TCP segment.
_DROP_SYN = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in (
        (0x30, 0, 0, 13),  # load the byte with the flags
        (0x45, 0, 1, 0x02),  # is SYN set?
        (0x06, 0, 0, 0),  # then drop it
        (0x06, 0, 0, 0xFFFFFFFF),  # else take it
    )
)

Listener = tuple[socket.socket, ssl.SSLContext | None]


class Server(Protocol):
    """What listens in an event loop."""

    def close(self) -> None: ...


async def close_ports(
    listeners: Sequence[Listener], servers: Iterable[Server], make_protocol: Callable[[], asyncio.Protocol]
) -> None:
    """Serve those who got a connection, and nobody after them.

    A client that comes in this time gets no answer to its first attempt to connect. With its second one, after a
    second, it is refused, or served by another process that listens on the same port. Systems other than Linux have
    no way to do this; there the time between the last look and the closing of the port is merely short.
    """
    dropped = [_drop_attempts(listener) for listener, _ in listeners if listener.family != _UNIX]
    if any(dropped):
        await asyncio.sleep(_HANDSHAKE_SECONDS)
    for listener, _ in listeners:
        if listener.family == _UNIX:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RD)
    accepted = _accept_waiting(listeners)
    for server in servers:
        server.close()
    await _serve(make_protocol, accepted)


def _drop_attempts(listener: socket.socket) -> bool:
    """Take no more attempts to connect over TCP; tells whether the system can do that."""
    if sys.platform != "linux":
        return False
    program = ctypes.create_string_buffer(_DROP_SYN, len(_DROP_SYN))
    filter_program = struct.pack("HP", len(_DROP_SYN) // 8, ctypes.addressof(program))
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filter_program)
    except OSError:
        # Not everything that calls itself Linux has filters.
        return False
    return True


def _accept_waiting(listeners: Iterable[Listener]) -> list[Listener]:
    """The connections that nobody has accepted yet, with the TLS of their listeners."""
    accepted: list[Listener] = []
    for listener, tls in listeners:
        while (connection := _accept(listener)) is not None:
            accepted.append((connection, tls))
    return accepted


async def _serve(make_protocol: Callable[[], asyncio.Protocol], accepted: list[Listener]) -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    if not accepted:
        return
    loop = asyncio.get_running_loop()
    tasks = [
        asyncio.ensure_future(loop.connect_accepted_socket(make_protocol, connection, ssl=tls))
        for connection, tls in accepted
    ]
    done, unfinished = await asyncio.wait(tasks, timeout=_TLS_SECONDS)
    for task in unfinished:
        task.cancel()
    for task in done:
        # A client whose handshake fails is none.
        task.exception()


def _accept(listener: socket.socket) -> socket.socket | None:
    try:
        connection, _ = listener.accept()
    except OSError:
        return None
    connection.setblocking(False)
    return connection
