"""Things that are made from files, and made again when the files were replaced."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

__all__ = ["MadeFromFiles", "read_limited"]

Made = TypeVar("Made")

_Version = tuple[tuple[int, int, int] | None, ...]

_PAUSE_SECONDS = 1.0
_MOST_BYTES = 1 << 20


class MadeFromFiles(Generic[Made]):
    """Keeps what was made last while the files cannot be used. `make` may raise only when it is built."""

    def __init__(
        self,
        paths: Sequence[str],
        make: Callable[[], Made],
        *,
        on_change: Callable[[], object],
        on_failure: Callable[[Exception], object],
    ) -> None:
        """`on_change` and `on_failure` are told once for each new version of the files."""
        self._paths = tuple(paths)
        self._make = make
        self._on_change = on_change
        self._on_failure = on_failure
        self._lock = threading.Lock()
        self._version = self._look()
        self._made = make()
        self._next_look = time.monotonic() + _PAUSE_SECONDS

    def get(self) -> Made:
        """The newest that could be made; the files are looked at once in a second."""
        if self._paths and time.monotonic() >= self._next_look and self._lock.acquire(blocking=False):
            try:
                self._refresh()
            finally:
                self._lock.release()
        return self._made

    def _refresh(self) -> None:
        version = self._look()
        if version != self._version:
            # What is replaced while it is read has yet another version at the next look.
            self._version = version
            try:
                self._made = self._make()
            except Exception as error:
                self._on_failure(error)
            else:
                self._on_change()
        self._next_look = time.monotonic() + _PAUSE_SECONDS

    def _look(self) -> _Version:
        return tuple(map(_version_of, self._paths))


def read_limited(path: str) -> bytes:
    """The contents of a file that must not be large."""
    with open(path, "rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError(f"expected at most {_MOST_BYTES} bytes, found more")
    return content


def _version_of(path: str) -> tuple[int, int, int] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
