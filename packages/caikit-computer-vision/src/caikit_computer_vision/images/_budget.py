"""How much is decoded at one moment, whoever calls."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from weakref import ReferenceType, ref

# Fewer pixels fit in what threads keep anyway.
_MANY_PIXELS = 4_000_000
_LONGEST_SLEEP_SECONDS = 1.0


class _Ticket:
    """A place in the line, then a share."""

    __slots__ = ("__weakref__", "bell", "has_share", "pixels")

    def __init__(self, pixels: int) -> None:
        self.pixels = pixels
        self.has_share = False
        self.bell = threading.Lock()
        self.bell.acquire()

    def ring(self) -> None:
        if self.bell.locked():
            self.bell.release()


class PixelBudget:
    """Those who would go beyond it wait, the first to come first; one alone may have more than all of it.

    Cancelled requests are interrupted anywhere, here too. So nothing counts but tickets that somebody still holds, and
    the locks are plain ones, which a `with` never leaves locked.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tickets: list[ReferenceType[_Ticket]] = []
        """In the order in which they came."""

    @contextmanager
    def share(self, pixels: int, most: int) -> Iterator[None]:
        """`most` is for all that have a share at one moment, as this caller knows it."""
        ticket = _Ticket(pixels)
        with self._lock:
            self._tickets.append(ref(ticket))
        try:
            while not self._admits(ticket, most):
                ticket.bell.acquire(timeout=_LONGEST_SLEEP_SECONDS)
            yield
        finally:
            with self._lock:
                self._tickets = [each for each in self._tickets if each() is not ticket]
                self._ring_first()

    def _admits(self, ticket: _Ticket, most: int) -> bool:
        with self._lock:
            held = self._held()
            taken = sum(each.pixels for each in held if each.has_share)
            is_first = next(each for each in held if not each.has_share) is ticket
            if not is_first or (taken and taken + ticket.pixels > most):
                return False
            ticket.has_share = True
            self._ring_first()
            return True

    def _held(self) -> list[_Ticket]:
        return [ticket for each in self._tickets if (ticket := each()) is not None]

    def _ring_first(self) -> None:
        """The next one may have room."""
        for ticket in self._held():
            if not ticket.has_share:
                ticket.ring()
                return


def give_back_memory(pixels: int) -> None:
    """After work on many pixels: the C library keeps for each thread what it has freed, up to all of a large image."""
    if pixels >= _MANY_PIXELS and (trim := _find_trim()) is not None:
        trim(0)


@cache
def _find_trim() -> Callable[[int], int] | None:
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
