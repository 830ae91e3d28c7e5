"""Sockets that listen at a path."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from pathlib import Path

_ANSWER_SECONDS = 1.0


class UnixListener(socket.socket):
    """Replaces the socket that an earlier server has left at the path, and removes its own when it is closed.

    Raises OSError when it cannot be bound.
    """

    def __init__(self, path: str, backlog: int) -> None:
        super().__init__(socket.AF_UNIX)
        self._path = Path(path)
        self._own: tuple[int, int] | None = None
        try:
            require_free(path)
            if self._path.is_socket():
                self._path.unlink()
            self.bind(path)
            self._own = _identity(self._path)
            self.listen(backlog)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        super().close()
        # A later server may have taken the path.
        if self._own is not None and _identity(self._path) == self._own:
            with contextlib.suppress(OSError):
                self._path.unlink()
        self._own = None


def require_free(path: str) -> None:
    """OSError if another server listens at the path, or something else is there."""
    place = Path(path)
    if not place.exists():
        return
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_ANSWER_SECONDS)
        taken = not place.is_socket() or client.connect_ex(path) != errno.ECONNREFUSED
    if taken:
        found = (
            "another server listens there" if place.is_socket() else "something that is no socket is there"
        )
        raise OSError(errno.EADDRINUSE, f"{os.strerror(errno.EADDRINUSE)}: {found}")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
