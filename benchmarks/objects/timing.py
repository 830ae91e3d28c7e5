"""CPU time of many ways to do the same, taken in rounds that go through all of them."""

from __future__ import annotations

import gc
import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .shapes import Way


class WrongAnswerError(Exception):
    """A library did not give back what went in, so its time means nothing."""


@dataclass(frozen=True)
class Timing:
    """CPU microseconds of one call."""

    min: float
    median: float


def check(way: Way) -> None:
    found = way.plain(way.call())
    if found != way.shape.content:
        expected, shown = repr(way.shape.content)[:500], repr(found)[:500]
        place = f"{way.library}, {way.shape.name}, {way.operation}"
        raise WrongAnswerError(f"{place}: expected {expected}, got {shown}")


def measure(ways: list[Way], rounds: int, milliseconds: float) -> list[Timing]:
    """Each round runs every way for about `milliseconds`; the way that stands beside it comes right after it."""
    for way in ways:
        check(way)
    # What was loaded until here is not looked at again by collections that a measured call triggers.
    gc.collect()
    gc.freeze()
    try:
        counts = [_count(way.call, milliseconds) for way in ways]
        runs: list[list[float]] = [[] for _ in ways]
        for _ in range(rounds):
            for way, count, times in zip(ways, counts, runs, strict=True):
                gc.collect()
                times.append(_seconds(way.call, count) / count * 1e6)
    finally:
        gc.unfreeze()
    return [Timing(min(times), statistics.median(times)) for times in runs]


def _count(call: Callable[[], Any], milliseconds: float) -> int:
    """How many calls take that long."""
    count = 1
    while (spent := _seconds(call, count)) * 1000 < min(milliseconds, 2):
        count *= 4
    return max(1, round(count * milliseconds / 1000 / spent))


def _seconds(call: Callable[[], Any], count: int) -> float:
    started = time.process_time()
    for _ in itertools.repeat(None, count):
        call()
    return time.process_time() - started
