"""Counts how often something took how long, or was how large."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

# From a tenth of a millisecond, which is less than any model needs, to what a long generation takes.
SECONDS = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
    0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Histogram:
    """Not thread-safe: its owner has the lock."""

    __slots__ = ("_bounds", "_counts", "sum")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def add_all(self, values: Iterable[float]) -> None:
        ordered = sorted(values)
        below = 0
        for index, bound in enumerate(self._bounds):
            reached = bisect_right(ordered, bound)
            self._counts[index] += reached - below
            below = reached
        self._counts[-1] += len(ordered) - below
        self.sum += sum(ordered)

    def include(self, other: Histogram) -> None:
        """Add what another one with the same bounds has counted."""
        self._counts = [one + more for one, more in zip(self._counts, other._counts, strict=True)]
        self.sum += other.sum

    def buckets(self) -> list[tuple[str, float]]:
        """As prometheus wants it: how many were as large as the bound or smaller."""
        labels = (*(str(float(bound)) for bound in self._bounds), "+Inf")
        return list(zip(labels, accumulate(self._counts), strict=True))
