"""One file for each question; `ask` adds its rows to the bench."""

from __future__ import annotations

from collections.abc import Callable

from ..bench import Bench
from . import batching, bodies, calls, footprint, idle, models, streams, vectors, workers

QUESTIONS: dict[str, Callable[[Bench], None]] = {
    module.__name__.rpartition(".")[2]: module.ask
    for module in (footprint, calls, bodies, vectors, streams, batching, models, idle, workers)
}
