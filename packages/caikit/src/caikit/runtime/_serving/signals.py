"""Ends the servers of the process when it is told to end."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Protocol

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruptible(Protocol):
    def interrupt(self, signal_: int | None, frame: FrameType | None) -> None: ...

    def force_stop(self) -> None: ...


class SignalRelay:
    """Passes signals on: the first one stops all servers in good order, the second one at once."""

    def __init__(self) -> None:
        self._servers: list[Interruptible] = []
        self._previous: dict[int, Any] = {}
        self._waiting = 0
        self._received = False
        self._ignores = False

    def ignore(self) -> None:
        """Relay nothing from now on: somebody else decides when this process ends."""
        self._ignores = True

    def add(self, server: Interruptible) -> None:
        """Relay signals to a server. Does nothing outside of the main thread, where signals cannot be handled."""
        if self._ignores or threading.current_thread() is not threading.main_thread():
            return
        if not self._servers:
            self._received = False
            self._restore()
            self._previous = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        self._servers.append(server)

    def remove(self, server: Interruptible) -> None:
        with contextlib.suppress(ValueError):
            self._servers.remove(server)
        if not self._servers and threading.current_thread() is threading.main_thread():
            self._restore()

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            # Somebody may have replaced our handler; that is theirs to put back.
            if signal.getsignal(number) == self._handle:
                signal.signal(number, handler)
        self._previous = {}

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """The main thread does nothing but wait for the servers: a signal needs no further handling."""
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    def _handle(self, number: int, frame: FrameType | None) -> None:
        act: Callable[[Interruptible], None]
        if self._received:
            act = _force
        else:
            self._received = True

            def act(server: Interruptible) -> None:
                server.interrupt(number, frame)

        for server in reversed(self._servers):
            act(server)
        if not self._waiting:
            self._pass_on(number, frame)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        """The main thread has work of its own: end that as the signal would have ended it without us."""
        previous = self._previous.get(number)
        if callable(previous):
            previous(number, frame)
        elif previous == signal.SIG_DFL:
            raise SystemExit(128 + number)


def _force(server: Interruptible) -> None:
    server.force_stop()


SIGNAL_RELAY = SignalRelay()
