"""Decides whether another request may come in, and how long it may wait."""

from __future__ import annotations

from collections.abc import Callable

from .byte_budget import ByteBudget
from .errors import Reason, RequestError
from .limits import DEFAULT_QUEUE_LIMIT, QUEUE_LIMIT_KEY, QUEUE_SECONDS_KEY
from .status import Status
from .workers import WorkerPool


class Gate:
    """Refuses requests early and cheaply when too many wait for a worker or the server shuts down."""

    def __init__(
        self,
        workers: WorkerPool,
        *,
        max_queued: int | None = DEFAULT_QUEUE_LIMIT,
        bytes_held: ByteBudget | None = None,
        on_refusal: Callable[[Status, Reason], object] = lambda status, reason: None,
    ) -> None:
        """`on_refusal` is told of each request that is turned away, and why."""
        self._on_refusal = on_refusal
        self.bytes_held = bytes_held or ByteBudget()
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
            return self.refuse(Status.UNAVAILABLE, "The server is shutting down", Reason.SHUTDOWN)
        if self._max_queued is not None and self._workers.queued > self._max_queued:
            return self.refuse(
                Status.RESOURCE_EXHAUSTED,
                f"Too many requests are waiting: more than {self._max_queued} ({QUEUE_LIMIT_KEY})",
                Reason.QUEUE_FULL,
            )
        return None

    def overdue(self) -> RequestError:
        """Why a request that was admitted is not served: it has waited in line for too long."""
        return self.refuse(
            Status.RESOURCE_EXHAUSTED,
            f"No worker was free for {self._workers.longest_wait:g} seconds ({QUEUE_SECONDS_KEY})",
            Reason.QUEUE_TIME,
        )

    def refuse(self, status: Status, message: str, reason: Reason) -> RequestError:
        """Turn one request away."""
        refusal = RequestError(status, message)
        self._on_refusal(status, reason)
        return refusal

    def count(self, status: Status, reason: Reason) -> None:
        """A connection has turned a request away by itself."""
        self._on_refusal(status, reason)

    def note(self, error: BaseException) -> None:
        """Somebody else turns a request away; what is no refusal is not counted."""
        if isinstance(error, RequestError) and error.reason is not None:
            self._on_refusal(error.status, error.reason)
