"""Sending what a source gives while somebody else waits for the answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial

from ._wire import Wire


class Sender:
    """A thread that takes from the source as fast as the server reads, until one of both ends.

    A failure of the source ends the connection, and is kept for those who wait for the answer.
    """

    def __init__(
        self, wire: Wire, lines: Iterator[bytes], frame: Callable[[bytes], bytes], end: Callable[[], bytes]
    ) -> None:
        self.failure: BaseException | None = None
        self._wire = wire
        self._lines = lines
        self._frame = frame
        self._end = end
        threading.Thread(target=self._run, name="caikit_send_stream", daemon=True).start()

    def _run(self) -> None:
        try:
            for line in self._lines:
                if not self._send(partial(self._frame, line)):
                    return
        except BaseException as problem:
            self.failure = problem
            self._wire.abort()
        else:
            self._send(self._end)

    def _send(self, make: Callable[[], bytes]) -> bool:
        """Whether the connection is still there; what happened to it is seen by those who read from it."""
        try:
            self._wire.sendall(make())
        except OSError:
            return False
        return True
