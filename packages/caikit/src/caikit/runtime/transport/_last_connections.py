"""The clients of a server that stops: none is cut off whose request is on its way."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable
from typing import Protocol

_TLS_SECONDS = 0.2
# After so many turns, event loops have told of the connections that they had accepted.
_TURNS = 3
LOOK_SECONDS = 0.01
# Idle connections are closed after so many looks, which take longer on a busy machine, as clients do.
_LOOKS = 25
# Who has just connected is about to ask something, and could not know that it may be repeated.
_FRESH_SECONDS = 2.0
_FRESH_LOOKS = 100

Listener = tuple[socket.socket, ssl.SSLContext | None]


class Guest(Protocol):
    """A connection, as the end of its server sees it."""

    @property
    def is_idle(self) -> bool:
        """It waits for a request, or for the rest of the head of one."""

    @property
    def age(self) -> float:
        """Seconds, if it was never used; else infinite."""

    def close_idle(self) -> None:
        """Close it; a request that has begun to come is refused."""


class LastRequests:
    """Lets connections that are idle go when they have had time for another request.

    TCP knows no way to close a connection that keeps a request from being sent at that moment, and its client
    would not know what has become of it; an answer that says that it is the last one avoids that.
    """

    def __init__(self) -> None:
        self._looks: dict[Guest, int] = {}
        """How often each was seen idle in a row."""

    def look(self, guests: Iterable[Guest]) -> bool:
        """Called every `LOOK_SECONDS`; tells whether some are idle still."""
        self._looks = {guest: self._looks.get(guest, 0) + 1 for guest in guests if guest.is_idle}
        for guest, looks in self._looks.items():
            if looks >= (_FRESH_LOOKS if guest.age < _FRESH_SECONDS else _LOOKS):
                guest.close_idle()
        return bool(self._looks)


def accept_waiting(listeners: Iterable[Listener]) -> list[Listener]:
    """The connections that nobody has accepted yet, with the TLS of their listeners."""
    accepted: list[Listener] = []
    for listener, tls in listeners:
        while (connection := _accept(listener)) is not None:
            accepted.append((connection, tls))
    return accepted


async def serve_accepted(make_protocol: Callable[[], asyncio.Protocol], accepted: list[Listener]) -> None:
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
