"""A one-shot iterator that can be read again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Replay(Generic[T]):
    """Remembers what an iterator produced, so that every pass sees all of it, its failure included.

    Reading stays lazy: an item is taken from the iterator when the first pass asks for it.
    """

    def __init__(self, source: Iterator[T]) -> None:
        self._source = source
        self._items: list[T] = []
        self._failure: Exception | None = None
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[T]:
        position = 0
        while position < len(self._items) or self._read_past(position):
            yield self._items[position]
            position += 1

    def _read_past(self, position: int) -> bool:
        with self._lock:
            if position < len(self._items):
                return True
            if self._failure is not None:
                raise self._failure
            try:
                self._items.append(next(self._source))
            except StopIteration:
                return False
            except Exception as problem:
                self._failure = problem
                raise
            return True

    def __getstate__(self) -> list[T]:
        return list(self)

    def __setstate__(self, items: list[T]) -> None:
        self._source = iter(())
        self._items = items
        self._failure = None
        self._lock = threading.Lock()
