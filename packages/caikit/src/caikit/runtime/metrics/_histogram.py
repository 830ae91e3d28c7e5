"""Counts how often something took how long."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

# From a tenth of a millisecond, which is less than any model needs, to what a long generation takes.
BOUNDS = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
    0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
_LABELS = (*(str(bound) for bound in BOUNDS), "+Inf")


class Histogram:
    """Not thread-safe: its owner has the lock."""

    __slots__ = ("_counts", "seconds")

    def __init__(self) -> None:
        self._counts = [0] * len(_LABELS)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """As prometheus wants it: how many took as long as the bound or less."""
        return list(zip(_LABELS, accumulate(self._counts), strict=True))
