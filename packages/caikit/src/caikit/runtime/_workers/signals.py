"""Signals as something to wait for."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Iterator

ENDING = (signal.SIGINT, signal.SIGTERM)


class SignalQueue:
    """Readable when a signal has come: one to end, or the notice that a child has ended."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        return self._reader.fileno()

    def take(self) -> list[int]:
        """The numbers of the signals that have come since the last look."""
        try:
            return list(self._reader.recv(4096))
        except BlockingIOError:
            return []

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Nothing else happens at these signals meanwhile. For the main thread alone."""
        numbers = (*ENDING, signal.SIGCHLD)
        previous = {number: signal.signal(number, _ignore) for number in numbers}
        descriptor = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(descriptor)
            for number, handler in previous.items():
                signal.signal(number, handler)
            self._reader.close()
            self._writer.close()


def _ignore(number: int, frame: object) -> None:
    """The wake-up file descriptor tells of it."""
