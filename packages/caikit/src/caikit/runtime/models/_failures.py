"""Remembers which models could not be loaded, and when another attempt is worth its cost."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock

from ._files import Fingerprint

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 300.0
_MOST_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Failure:
    error: Exception
    fingerprint: Fingerprint | None
    attempts: int
    retry_at: float
    cheap: bool

    def blocks(self, fingerprint: Fingerprint | None) -> bool:
        """True while an attempt with the same files would only repeat the failure."""
        return fingerprint == self.fingerprint and time.monotonic() < self.retry_at


class FailureMemory:
    def __init__(self) -> None:
        self._lock = Lock()
        self._failures: dict[str, Failure] = {}

    def get(self, model_id: str) -> Failure | None:
        return self._failures.get(model_id)

    def remember(
        self, model_id: str, error: Exception, fingerprint: Fingerprint | None, *, cheap: bool
    ) -> None:
        """`cheap`: the attempt found no model at all, so that trying again costs next to nothing."""
        with self._lock:
            last = self._failures.pop(model_id, None)
            attempts = 1 + (last.attempts if last is not None and last.fingerprint == fingerprint else 0)
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempts - 1, 10))
            self._failures[model_id] = Failure(error, fingerprint, attempts, time.monotonic() + pause, cheap)
            if len(self._failures) > _MOST_REMEMBERED:
                del self._failures[next(iter(self._failures))]

    def forget(self, model_id: str) -> None:
        with self._lock:
            self._failures.pop(model_id, None)

    def ids(self) -> list[str]:
        with self._lock:
            return list(self._failures)
