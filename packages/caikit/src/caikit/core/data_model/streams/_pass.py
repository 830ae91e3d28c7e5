"""One pass over a data stream."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class StreamPass(Generic[T]):
    """An iterator that was handed out, together with what is known about it.

    `list(stream)` first asks for an iterator and then for the length as a hint. Counting in that very
    iterator keeps such a call from reading the source twice.
    """

    __slots__ = ("__weakref__", "_failure", "_items", "_owner", "_started", "source")

    def __init__(self, source: Iterator[T]) -> None:
        self.source = source
        self._items: list[T] | None = None
        self._failure: Exception | None = None
        self._owner = threading.get_ident()
        self._started = False

    @property
    def waiting(self) -> bool:
        """True while this thread, which opened the pass, has not read from it."""
        return not self._started and self._owner == threading.get_ident()

    def count(self) -> int:
        """Read everything into memory and return how much there is."""
        if self._items is None:
            self._items = []
            try:
                self._items.extend(self.source)
            except Exception as problem:
                self._failure = problem
        if self._failure is not None:
            raise self._failure
        return len(self._items)

    def read(self) -> Generator[T, None, bool]:
        """Yield the items; the generator returns whether there were any."""
        self._started = True
        items = self.source if self._items is None else iter(self._items)
        for first in items:
            yield first
            yield from items
            self._raise_failure()
            return True
        self._raise_failure()
        return False

    def _raise_failure(self) -> None:
        # Python drops a TypeError that is raised while it asks for a length hint.
        if self._failure is not None:
            raise self._failure
