"""How far a job has come, told by the module that does the work."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from contextvars import ContextVar

__all__ = ["report_progress"]

_listener: ContextVar[Callable[[float], None] | None] = ContextVar("caikit_job_progress", default=None)


def report_progress(fraction: float) -> None:
    """Tell how much of the job is done, from 0.0 to 1.0; `JobInfo.progress` shows it.

    Called by a module in its `train` or in the method of a prediction job, in the thread that was called. Does
    nothing outside of a job, so a module need not know how it is run.
    """
    listener = _listener.get()
    if listener is not None and not math.isnan(fraction):
        listener(min(1.0, max(0.0, float(fraction))))


@contextlib.contextmanager
def progress_goes_to(listener: Callable[[float], None]) -> Iterator[None]:
    """What is reported inside of the context arrives at the listener."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
