"""Ends a connection that another thread waits for."""

from __future__ import annotations

import contextlib
import socket
from typing import Any


def cut(connection: Any) -> None:
    """Of `http.client`, or a relative of it; if it is not connected, nothing happens."""
    found = getattr(connection, "sock", None)
    if isinstance(found, socket.socket):
        with contextlib.suppress(OSError):
            # The method of encrypted sockets would change what the other thread reads with.
            socket.socket.shutdown(found, socket.SHUT_RDWR)
