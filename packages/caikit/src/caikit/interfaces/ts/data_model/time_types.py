"""Points in time, durations, and the columns of values that go with them."""

from __future__ import annotations

from ._times import PeriodicTimeSequence, PointTimeSequence, Seconds, TimeDuration, TimePoint
from ._values import ValueSequence, Vector

__all__ = [
    "PeriodicTimeSequence",
    "PointTimeSequence",
    "Seconds",
    "TimeDuration",
    "TimePoint",
    "ValueSequence",
    "Vector",
]
