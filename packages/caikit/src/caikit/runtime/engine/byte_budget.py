"""Bounds the memory that requests take before and while they are served."""

from __future__ import annotations

import threading
from types import TracebackType

from .errors import Reason, RequestError
from .limits import DEFAULT_HELD_BYTES, HELD_BYTES_KEY
from .status import Status

COUNTED_BYTES = 64 * 1024
"""Smaller requests are not counted: the number of requests bounds them well enough."""


class ByteBudget:
    """The bytes of large requests that a server holds, all together; no limit with None."""

    def __init__(self, limit: int | None = DEFAULT_HELD_BYTES) -> None:
        self._limit = limit
        self._held = 0
        self._lock = threading.Lock()

    @property
    def held(self) -> int:
        return self._held

    def open(self) -> Account:
        """The account of one request."""
        return Account(self)

    def change(self, count: int) -> None:
        """Take bytes, or give them back; RESOURCE_EXHAUSTED if that is too many."""
        with self._lock:
            if count > 0 and self._limit is not None and self._held + count > self._limit:
                raise RequestError(
                    Status.RESOURCE_EXHAUSTED,
                    f"The server holds too many large requests: more than {self._limit} bytes ({HELD_BYTES_KEY})",
                    reason=Reason.BYTES_HELD,
                )
            self._held += count


class Account:
    """What one request has taken; all of it is given back at the end of a `with` statement."""

    __slots__ = ("_budget", "_lock", "_open", "_taken")

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self._lock = threading.Lock()
        self._open = True
        self._taken = 0

    def take(self, count: int) -> None:
        with self._lock:
            if self._open:
                self._budget.change(count)
                self._taken += count

    def give_back(self) -> None:
        with self._lock:
            taken, self._taken = self._taken, 0
            self._budget.change(-taken)

    def close(self) -> None:
        """Give everything back, also if a worker that nobody waits for goes on for a while."""
        self._open = False
        self.give_back()

    def __enter__(self) -> Account:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
