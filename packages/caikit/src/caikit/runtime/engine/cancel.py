"""One token per request that says whether anybody still wants the answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .errors import RequestError
from .status import Status

# Members of enums are slow to look up.
_CANCELLED = Status.CANCELLED


class CancelToken:
    """Cancelled at most once: by the client, a lost connection, a deadline or the end of the server."""

    __slots__ = ("_callbacks", "_reason", "_status")

    def __init__(self) -> None:
        # Appending to and popping from a list is atomic, so no lock is needed to run each callback just once.
        self._callbacks: list[Callable[[], object]] = []
        self._reason: str | None = None
        self._status = _CANCELLED

    def cancel(self, reason: str = "cancelled by the client", status: Status = _CANCELLED) -> None:
        if self._reason is None:
            self._status = status
            self._reason = reason
        self._run_callbacks()

    @property
    def cancelled(self) -> bool:
        return self._reason is not None

    def on_cancel(self, callback: Callable[[], object]) -> Callable[[], object]:
        """Call back on cancellation (at once if that has happened); returns a function that takes this back."""
        self.remember(callback)
        return partial(self.forget, callback)

    def remember(self, callback: Callable[[], object]) -> None:
        """The same, to be taken back by `forget`."""
        self._callbacks.append(callback)
        if self._reason is not None:
            self._run_callbacks()

    def forget(self, callback: Callable[[], object]) -> bool:
        """Take back what was asked for; False if it was called, or is being called now."""
        try:
            self._callbacks.remove(callback)
        except ValueError:
            return False
        return True

    def raise_if_cancelled(self) -> None:
        if self._reason is not None:
            raise RequestError(self._status, f"The request was {self._reason}")

    def _run_callbacks(self) -> None:
        while True:
            try:
                callback = self._callbacks.pop()
            except IndexError:
                return
            callback()
