"""How far a job has come, told by the module that does the work."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import SupportsFloat

__all__ = ["report_progress"]

_MOST_CHARACTERS = 200
_MOST_METRICS = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """What a job has told last."""

    fraction: float | None = None
    text: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)


Listener = Callable[[Progress], None]

_reporter: ContextVar[_Reporter | None] = ContextVar("caikit_job_progress", default=None)


def report_progress(
    fraction: SupportsFloat | None = None, text: str | None = None, **metrics: SupportsFloat
) -> None:
    """Tell how much of the job is done, from 0.0 to 1.0, in words what it does, and figures such as the loss.

    Called by a module in its `train` or in the method of a prediction job, in the thread that was called. What is
    not given stays as it was told before. `JobInfo` shows it: `progress`, `progress_text`, `metrics`. Of the text the
    first 200 characters are kept, of the metrics 20; figures that are not finite are left out. Does nothing outside
    of a job, so a module need not know how it is run.
    """
    reporter = _reporter.get()
    if reporter is not None:
        reporter.report(fraction, text, metrics)


@contextlib.contextmanager
def progress_goes_to(listener: Listener) -> Iterator[None]:
    """What is reported inside of the context arrives at the listener."""
    token = _reporter.set(_Reporter(listener))
    try:
        yield
    finally:
        _reporter.reset(token)


class _Reporter:
    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._last = Progress()

    def report(
        self, fraction: SupportsFloat | None, text: str | None, metrics: Mapping[str, SupportsFloat]
    ) -> None:
        last = self._last
        self._last = Progress(
            last.fraction if fraction is None else _share(_number(fraction), last.fraction),
            last.text if text is None else str(text)[:_MOST_CHARACTERS],
            _figures({**last.metrics, **metrics}) if metrics else last.metrics,
        )
        self._listener(self._last)


def _number(value: SupportsFloat) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond all floats
        return math.nan


def _share(fraction: float, last: float | None) -> float | None:
    return last if math.isnan(fraction) else min(1.0, max(0.0, fraction))


def _figures(metrics: Mapping[str, SupportsFloat]) -> dict[str, float]:
    figures = {name[:_MOST_CHARACTERS]: _number(value) for name, value in metrics.items()}
    finite = [(name, value) for name, value in figures.items() if math.isfinite(value)]
    return dict(finite[:_MOST_METRICS])
