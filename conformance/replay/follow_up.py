"""Ids that a start call returns and later records name by a placeholder, and when to ask again."""

from __future__ import annotations

import uuid
from typing import Any

_KEYS = ("prediction_id", "training_id")
_TERMINAL = frozenset({"COMPLETED", "CANCELED", "ERRORED"})
_UNFINISHED = ("is still in progress", "has not started yet")

PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.05


class FollowUp:
    """The latest id of each kind."""

    def __init__(self) -> None:
        self._latest: dict[str, str] = {}

    def note(self, answer: Any) -> None:
        """Remember the ids in the answer of a call that started a job when it was recorded."""
        # If it does not start one now, later records must not find the job of an earlier one.
        self._latest.clear()
        if isinstance(answer, dict):
            self._latest.update({key: answer[key] for key in _KEYS if isinstance(answer.get(key), str)})

    def fill(self, key: str) -> str:
        return self._latest.get(key) or str(uuid.uuid4())


def is_too_early(expected: Any, got: Any) -> bool:
    """True if the job may still reach what the record shows."""
    wanted, state = _state(expected), _state(got)
    if state in ("QUEUED", "RUNNING") and wanted in _TERMINAL:
        return True
    if state == "QUEUED" and wanted == "RUNNING":
        return True
    now, then = _text(got), _text(expected)
    return any(ending in now for ending in _UNFINISHED) and "is still in progress" not in then


def _state(answer: Any) -> str | None:
    return answer.get("state") if isinstance(answer, dict) else None


def _text(answer: Any) -> str:
    return str(answer.get("details", "")) if isinstance(answer, dict) else ""
