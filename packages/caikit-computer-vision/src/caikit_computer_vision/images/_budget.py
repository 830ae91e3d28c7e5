"""How much is decoded at one moment, whoever calls."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

# Fewer pixels fit in what threads keep anyway.
_MANY_PIXELS = 4_000_000


class PixelBudget:
    """Those who would go beyond it wait, the first to come first; one alone may have more than all of it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._taken = 0

    @contextmanager
    def share(self, pixels: int, most: int) -> Iterator[None]:
        """`most` is for all that have a share at one moment, as this caller knows it."""
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                self._changed.wait_for(lambda: self._waiting[0] is ticket and self._has_room(pixels, most))
                self._taken += pixels
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._taken -= pixels
                self._changed.notify_all()

    def _has_room(self, pixels: int, most: int) -> bool:
        return not self._taken or self._taken + pixels <= most


def give_back_memory(pixels: int) -> None:
    """After work on many pixels: the C library keeps for each thread what it has freed, up to all of a large image."""
    if pixels >= _MANY_PIXELS and (trim := _find_trim()) is not None:
        trim(0)


@cache
def _find_trim() -> Callable[[int], int] | None:
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
