"""Brings the messages of a call to the worker that reads them, no faster than it reads."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator

from caikit.runtime.engine import CancelToken
from caikit.runtime.transport._line_feed import silent
from caikit.runtime.transport._loop_bridge import LoopBridge

_LOOK_SECONDS = 1.0
"""How often a silent stream looks whether others wait for its worker."""
_MOST_WAITING = 128 * 1024
"""Bytes that wait for the worker; while there are more, the client may send no more than its window."""
_COST = 64
"""Bytes that a message takes besides its content."""


class _End:
    pass


_END = _End()


class MessageFeed:
    """The event loop puts messages, a worker iterates over them."""

    def __init__(
        self,
        bridge: LoopBridge,
        token: CancelToken,
        *,
        hold: Callable[[bool], None],
        forget: Callable[[bytes], None],
        unfinished: Callable[[], int],
        is_crowded: Callable[[], bool],
        stall_seconds: float | None,
    ) -> None:
        """`hold` lets the client send no more, or goes on; `forget` is told of what the worker needs no longer.

        A client that sends nothing for `stall_seconds` while its worker waits is given up in the middle of a message,
        and between two messages as soon as others wait for a worker. `unfinished` tells how many bytes of a message
        have come that is not complete.
        """
        self._bridge = bridge
        self._token = token
        self._hold = hold
        self._forget = forget
        self._unfinished = unfinished
        self._is_crowded = is_crowded
        self._stall_seconds = stall_seconds
        # None wakes a worker whose request was cancelled.
        self._messages: queue.SimpleQueue[bytes | Exception | _End | None] = queue.SimpleQueue()
        # Each of the two sides counts for itself.
        self._put = self._taken = 0
        self._held = False
        self._closed = False
        self._remove = token.on_cancel(lambda: self._messages.put(None))

    # The loop's side

    def put(self, messages: list[bytes]) -> None:
        for message in messages:
            self._put += len(message) + _COST
            self._messages.put(message)
        if not self._held and self._put - self._taken > _MOST_WAITING:
            self._held = True
            self._hold(True)
            # It may have been emptied before it was seen that the client is held.
            self._release()

    def fail(self, error: Exception) -> None:
        """What comes now is an error in the place of a message."""
        self._messages.put(error)

    def end(self) -> None:
        self._messages.put(_END)

    def close(self) -> None:
        """Nobody reads any more."""
        self._closed = True
        self._remove()
        # A worker that waits has nothing to wait for.
        self._messages.put(_END)
        self._held = False
        self._hold(False)

    def _release(self) -> None:
        if self._held and self._put - self._taken <= _MOST_WAITING:
            self._held = False
            self._hold(False)

    # The worker's side

    def __iter__(self) -> Iterator[bytes]:
        while True:
            message = self._wait()
            self._token.raise_if_cancelled()
            if isinstance(message, Exception):
                raise message
            if not isinstance(message, bytes):
                return
            self._taken += len(message) + _COST
            if self._held and self._put - self._taken <= _MOST_WAITING:
                self._bridge.call(self._release)
            yield message
            self._forget(message)

    def _wait(self) -> bytes | Exception | _End | None:
        seen, patience = 0, self._stall_seconds
        while True:
            try:
                return self._messages.get(timeout=patience)
            except queue.Empty:
                unfinished = self._unfinished()
                if unfinished != seen:
                    seen = unfinished
                elif unfinished or self._is_crowded():
                    raise silent(self._stall_seconds) from None
                else:
                    patience = min(self._stall_seconds or _LOOK_SECONDS, _LOOK_SECONDS)
