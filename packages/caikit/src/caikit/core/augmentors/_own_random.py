"""A random sequence that is lent to code which draws from the `random` module."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator

_LENDING = threading.RLock()


class OwnRandom:
    """The sequence of one seed; without a seed, of one that stays the same for this object."""

    def __init__(self, seed: int | None) -> None:
        self._first = random.Random(seed).getstate()
        self._current = self._first

    def reset(self) -> None:
        self._current = self._first

    @contextlib.contextmanager
    def lent_to_module(self) -> Iterator[None]:
        """Within the block `random.random()` and its siblings continue this sequence."""
        with _LENDING:
            state_of_the_program = random.getstate()
            random.setstate(self._current)
            try:
                yield
            finally:
                self._current = random.getstate()
                random.setstate(state_of_the_program)
