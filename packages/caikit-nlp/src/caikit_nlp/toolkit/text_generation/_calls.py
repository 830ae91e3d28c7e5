"""Calls of a server from threads that may be interrupted.

Who cancels a request has an exception raised in the request's thread. Inside of gRPC it would leave locks held, and with
them the channel dead, so that library runs in a thread of the call; the request's thread only waits at a queue.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from queue import Empty, SimpleQueue
from typing import Any

__all__ = ["received"]

_WAIT_SECONDS = 0.1
_AHEAD = 64
"""Responses that are taken from the server before somebody wants them."""


def received(
    begin: Callable[[], Any], responses: Callable[[Any], Iterable[Any]]
) -> Generator[Any, None, None]:
    """The responses of a call, which ends when nobody iterates any more.

    `begin` makes the call, `responses` waits for what comes.
    """
    call = _Call(begin, responses)
    threading.Thread(target=call.run, name="call of a text generation server", daemon=True).start()
    try:
        while True:
            response, failure, ended = call.next()
            if failure is not None:
                raise failure
            if ended:
                return
            yield response
    finally:
        call.leave()


class _Call:
    def __init__(self, begin: Callable[[], Any], responses: Callable[[Any], Iterable[Any]]) -> None:
        self._begin = begin
        self._responses = responses
        self._found: SimpleQueue[tuple[Any, Exception | None, bool]] = SimpleQueue()
        self._credits: SimpleQueue[bool] = SimpleQueue()
        for _ in range(_AHEAD):
            self._credits.put(True)
        self._call: Any = None
        self._left = False
        self._ended = False

    def run(self) -> None:
        """In the thread of the call."""
        try:
            self._call = self._begin()
            if self._left:
                self._call.cancel()
            for response in self._responses(self._call):
                if not self._credits.get():
                    break
                self._found.put((response, None, False))
            self._ended = True
            self._found.put((None, None, True))
        except Exception as failure:
            self._ended = True
            self._found.put((None, failure, True))

    def next(self) -> tuple[Any, Exception | None, bool]:
        while True:
            try:
                found = self._found.get(timeout=_WAIT_SECONDS)
            except Empty:
                # A wait without end could not be interrupted.
                continue
            self._credits.put(True)
            return found

    def leave(self) -> None:
        """End the call if it has not ended; whoever interrupts a request does so once, so nothing interrupts this."""
        self._left = True
        self._credits.put(False)
        if not self._ended and self._call is not None:
            self._call.cancel()
