"""Which requests are answered in the event loop itself: no thread has to be woken for them, but all others wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import alog

from .context import RequestContext
from .operation import Operation

log = alog.use_channel("IN-LOOP")

_MOST_BYTES = 16 * 1024
# What each run may take. What runs take beyond it is added up, and what they take less is taken off again.
_FREE_SECONDS = 0.001
_MOST_DEBT_SECONDS = 1.0
_PAUSE_SECONDS = 60.0

FindModelId = Callable[[RequestContext, bytes], str | None]
"""Must not fail: a request that cannot be read is left to a worker."""


class LoopRuns:
    """Decides for the requests of one operation. A model that has kept the loop waiting goes to workers for a while."""

    def __init__(self, operation: Operation, find_model_id: FindModelId) -> None:
        self._operation = operation
        self._find_model_id = find_model_id
        self._not_before = 0.0
        self._debt = 0.0
        """Seconds."""

    @classmethod
    def of(cls, operation: Operation, find_model_id: FindModelId) -> LoopRuns | None:
        """None for an operation that is for workers only."""
        return None if operation.runs_in_loop is None else cls(operation, find_model_id)

    def serve(self, context: RequestContext, body: Any, function: Callable[[Any], object]) -> bool:
        """In the event loop: call the function with the body, if it may run here; tells whether it did."""
        began = time.monotonic()
        if not self._admits(context, body, began):
            return False
        context.in_loop = True
        function(body)
        now = time.monotonic()
        self._debt = max(0.0, self._debt + now - began - _FREE_SECONDS)
        if self._debt > _MOST_DEBT_SECONDS:
            self._pause(now)
        return True

    def _pause(self, now: float) -> None:
        self._debt = 0.0
        self._not_before = now + _PAUSE_SECONDS
        log.warning(
            "<RUN61530301W>",
            "%s has kept the event loop for too long, so workers answer it for the next %g seconds: "
            "is RUNS_IN_LOOP right for its modules?",
            self._operation.name,
            _PAUSE_SECONDS,
        )

    def _admits(self, context: RequestContext, body: Any, now: float) -> bool:
        runs_in_loop = self._operation.runs_in_loop
        return (
            runs_in_loop is not None
            and now >= self._not_before
            and len(body) <= _MOST_BYTES
            and runs_in_loop(self._find_model_id(context, body))
        )
