"""Sockets that listen at a path."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path


class UnixListener(socket.socket):
    """Replaces the socket that an earlier server has left at the path, and removes its own when it is closed."""

    def __init__(self, path: str, backlog: int) -> None:
        super().__init__(socket.AF_UNIX)
        self._path = Path(path)
        self._own: tuple[int, int] | None = None
        if self._path.is_socket():
            self._path.unlink()
        try:
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


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
