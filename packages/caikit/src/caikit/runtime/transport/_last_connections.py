"""Clients that the system has connected to a server that is about to stop listening; closing would cut them off."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable

_TLS_SECONDS = 0.2

Listener = tuple[socket.socket, ssl.SSLContext | None]


def accept_waiting(listeners: Iterable[Listener]) -> list[Listener]:
    """The connections that nobody has accepted yet, with the TLS of their listeners."""
    accepted: list[Listener] = []
    for listener, tls in listeners:
        while (connection := _accept(listener)) is not None:
            accepted.append((connection, tls))
    return accepted


async def serve_accepted(make_protocol: Callable[[], asyncio.Protocol], accepted: list[Listener]) -> None:
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
