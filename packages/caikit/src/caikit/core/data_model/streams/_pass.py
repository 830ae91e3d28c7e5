"""One pass over a data stream."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class StreamPass(Generic[T]):
    """An iterator that was handed out, together with what is known about it.

    `list(stream)` first asks for an iterator and then for the length as a hint. Counting in that very
    iterator keeps such a call from reading the source twice.
    """

    __slots__ = ("__weakref__", "_failure", "_first", "_items", "_owner", "_started", "source")

    def __init__(self, source: Iterator[T], first: Sequence[T] = ()) -> None:
        """`first` are items that were taken from the source already and nobody has read."""
        self.source = source
        self._first = first
        self._items: list[T] | None = None
        self._failure: Exception | None = None
        self._owner = threading.get_ident()
        self._started = False

    @property
    def is_mine(self) -> bool:
        """Whether this thread opened the pass."""
        return self._owner == threading.get_ident()

    @property
    def waiting(self) -> bool:
        """True while this thread, which opened the pass, has not read from it."""
        return not self._started and self.is_mine

    def count(self) -> int:
        """Read everything into memory and return how much there is."""
        if self._items is None:
            self._items = []
            try:
                self._items.extend(self._first)
                self._items.extend(self.source)
            except Exception as problem:
                self._failure = problem
        if self._failure is not None:
            raise self._failure
        return len(self._items)

    def read(self) -> Generator[T, None, bool]:
        """Yield the items; the generator returns whether there were any."""
        self._started = True
        # Whoever stops early closes this generator, but not the source, which may be handed out again: `chain` does not
        # pass that on.
        items = itertools.chain(self._first, self.source) if self._items is None else iter(self._items)
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


class Ahead(Generic[T]):
    """Items that were taken from a source to look at them; the source itself is not kept alive."""

    __slots__ = ("_items", "_source")

    def __init__(self, source: Iterator[T], items: list[T]) -> None:
        self._items = items
        self._source: Callable[[], Iterator[T] | None]
        try:
            self._source = weakref.ref(source)
        except TypeError:  # iterators of lists and the like, which hold nothing that has to be given back
            self._source = lambda: source

    def items_of(self, source: Iterator[T]) -> list[T]:
        return self._items if self._source() is source else []
