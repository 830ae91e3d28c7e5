"""Decides whether another request may come in."""

from __future__ import annotations

from .errors import RequestError
from .status import Status
from .workers import WorkerPool

QUEUE_LIMIT_KEY = "runtime.max_queued_requests"
DEFAULT_QUEUE_LIMIT = 1000


class Gate:
    """Refuses requests early and cheaply when too many wait for a worker or the server shuts down."""

    def __init__(self, workers: WorkerPool, *, max_queued: int | None = DEFAULT_QUEUE_LIMIT) -> None:
        self._workers = workers
        self._max_queued = max_queued
        self._draining = False

    @property
    def draining(self) -> bool:
        return self._draining

    def drain(self) -> None:
        """From now on nothing is admitted."""
        self._draining = True

    def refusal(self) -> RequestError | None:
        """Why a request cannot be admitted now, or None."""
        if self._draining:
            return RequestError(Status.UNAVAILABLE, "The server is shutting down")
        if self._max_queued is not None and self._workers.queued > self._max_queued:
            return RequestError(
                Status.RESOURCE_EXHAUSTED,
                f"Too many requests are waiting: more than {self._max_queued} ({QUEUE_LIMIT_KEY})",
            )
        return None
