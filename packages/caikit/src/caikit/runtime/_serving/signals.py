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
        self._received: int | None = None
        self._has_served = False
        self._ignores = False

    @property
    def is_ending(self) -> bool:
        """A signal has come, so no further server needs to be started."""
        return self._received is not None

    def ignore(self) -> None:
        """Relay nothing from now on: somebody else decides when this process ends."""
        self._ignores = True

    def add(self, server: Interruptible) -> None:
        """Relay signals to a server. Does nothing outside of the main thread, where signals cannot be handled."""
        if self._cannot_handle:
            return
        if not self._servers and not self._waiting:
            self._begin()
        self._has_served = True
        self._servers.append(server)
        if self._received is not None:
            # It came while this server was built.
            server.interrupt(self._received, None)

    def remove(self, server: Interruptible) -> None:
        with contextlib.suppress(ValueError):
            self._servers.remove(server)
        self._end_if_idle()

    @property
    def _cannot_handle(self) -> bool:
        return self._ignores or threading.current_thread() is not threading.main_thread()

    def _begin(self) -> None:
        self._received, self._has_served = None, False
        self._restore()
        self._previous = {number: signal.signal(number, self._handle) for number in _SIGNALS}

    def _end_if_idle(self) -> None:
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and not self._servers and not self._waiting:
            self._restore()

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            # Somebody may have replaced our handler; that is theirs to put back.
            if signal.getsignal(number) == self._handle:
                signal.signal(number, handler)
        self._previous = {}

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """The main thread does nothing but start servers and wait for them: no signal is lost meanwhile.

        Before the first of them is there, a signal ends the main thread; after that it ends the servers alone.
        """
        if self._cannot_handle:
            yield
            return
        if not self._servers and not self._waiting:
            self._begin()
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            self._end_if_idle()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        act: Callable[[Interruptible], None]
        if self._received is not None:
            act = _force
        else:
            self._received = number

            def act(server: Interruptible) -> None:
                server.interrupt(number, frame)

        for server in reversed(self._servers):
            act(server)
        if not (self._waiting and self._has_served):
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
