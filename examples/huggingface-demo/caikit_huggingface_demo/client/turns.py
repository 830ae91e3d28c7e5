"""Who types on does not want the answers to what was there before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PAUSE_SECONDS = 0.25


class Turn:
    """One call of a form; the next one of the same form replaces it."""

    def __init__(self) -> None:
        self._replaced = threading.Event()
        self._lock = threading.Lock()
        self._cancel: Callable[[], object] | None = None
        self.stopped = False
        """ReplacedError by nothing, because somebody has had enough."""

    @property
    def replaced(self) -> bool:
        return self._replaced.is_set()

    def is_wanted(self) -> bool:
        """False if another key was hit within a short pause."""
        return not self._replaced.wait(_PAUSE_SECONDS)

    def cancel_with(self, cancel: Callable[[], object]) -> None:
        """What ends the work when it is replaced, maybe already."""
        with self._lock:
            self._cancel = cancel
            replaced = self.replaced
        if replaced:
            cancel()

    def replace(self) -> None:
        with self._lock:
            self._replaced.set()
            cancel = self._cancel
        if cancel is not None:
            cancel()


class Turns:
    """The latest turn of each form of each visitor."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: dict[tuple[str, str], Turn] = {}

    @contextmanager
    def take(self, visitor: str | None, form: str) -> Iterator[Turn]:
        key = (visitor or "", form)
        turn = Turn()
        with self._lock:
            previous = self._latest.get(key)
            self._latest[key] = turn
        # Programs that call the page's API have no session, and their calls nothing to do with each other.
        if previous is not None and visitor:
            previous.replace()
        try:
            yield turn
        finally:
            turn.replace()
            with self._lock:
                if self._latest.get(key) is turn:
                    del self._latest[key]

    def stop(self, visitor: str | None, form: str) -> None:
        with self._lock:
            turn = self._latest.get((visitor or "", form))
        if turn is not None:
            turn.stopped = True
            turn.replace()
