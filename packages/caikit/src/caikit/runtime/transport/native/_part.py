"""One protocol of a listener, with a life of its own."""

from __future__ import annotations

import threading
import time

from ._departure import Protocol
from ._server import NativeServer


class NativePart:
    """Starts and stops like a server."""

    def __init__(self, server: NativeServer, protocol: Protocol) -> None:
        self.server = server
        self._protocol = protocol

    @property
    def last_tick(self) -> float | None:
        return self.server.last_tick

    def start(self) -> None:
        self.server.start()

    def stop(self, grace_seconds: float) -> threading.Event:
        """Take nothing more and finish the running requests in time. Returns at once what is set at the end."""
        return self.server.leave(self._protocol, grace_seconds)

    def force_stop(self) -> None:
        """Do not wait for anything."""
        self.stop(0)

    def join(self, timeout: float | None = None) -> bool:
        """Wait until it has ended, and with the last one the listener; tells whether that is so."""
        end = None if timeout is None else time.monotonic() + timeout
        if not self.server.departed(self._protocol).wait(timeout):
            return False
        if not self.server.is_stopping:
            return True
        return self.server.join(None if end is None else max(0.0, end - time.monotonic()))
