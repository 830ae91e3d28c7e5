"""Counts loads by model type."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock


@dataclass(frozen=True, slots=True)
class LoadTotals:
    loads: int = 0
    failures: int = 0
    seconds: float = 0.0
    loader_seconds: float = 0.0

    def __add__(self, other: LoadTotals) -> LoadTotals:
        return LoadTotals(
            self.loads + other.loads,
            self.failures + other.failures,
            self.seconds + other.seconds,
            self.loader_seconds + other.loader_seconds,
        )


class LoadCounter:
    def __init__(self) -> None:
        self._lock = Lock()
        self._totals: dict[str, LoadTotals] = {}

    def add(self, model_type: str, more: LoadTotals) -> None:
        with self._lock:
            self._totals[model_type] = self._totals.get(model_type, LoadTotals()) + more

    def totals(self) -> dict[str, LoadTotals]:
        with self._lock:
            return dict(self._totals)
