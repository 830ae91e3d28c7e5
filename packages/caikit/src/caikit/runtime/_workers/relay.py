"""One unix socket for all workers: each connection is passed on to one of them.

A path has one listener, unlike a port, and gRPC takes no listener from outside.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable

import alog

from caikit.runtime.transport.unix_listener import UnixListener

log = alog.use_channel("WORKERS")

_CHUNK = 1 << 16
_BACKLOG = 128
_MOST_CONNECTIONS = 1000
_CONNECT_SECONDS = 5.0
_PAUSE_SECONDS = 0.05


class UnixRelay:
    """Listens at a path. `targets` names the sockets of the workers that serve now."""

    def __init__(self, path: str, targets: Callable[[], list[str]]) -> None:
        self._path = path
        self._targets = targets
        self._load: dict[str, int] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._listener = UnixListener(path, _BACKLOG)

    def start(self) -> None:
        threading.Thread(target=self._accept, name="caikit_unix_relay", daemon=True).start()

    def close(self) -> None:
        """Take no more connections; those that are there go on until one side ends them."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed, or no more files can be opened
                time.sleep(_PAUSE_SECONDS)
                continue
            if sum(self._load.values()) >= _MOST_CONNECTIONS:
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.ExitStack() as stack:
            server = self._connect(stack)
            if server is None:
                return
            # A client may end its half and still read; a worker that ends its half is gone.
            back = threading.Thread(target=_pump, args=(server, client, socket.SHUT_RDWR), daemon=True)
            back.start()
            _pump(client, server, socket.SHUT_WR)
            back.join()

    def _connect(self, stack: contextlib.ExitStack) -> socket.socket | None:
        """A connection to the worker that has the fewest."""
        targets = self._targets()
        for target in sorted(targets, key=lambda each: self._load.get(each, 0)):
            server = socket.socket(socket.AF_UNIX)
            try:
                server.settimeout(_CONNECT_SECONDS)
                server.connect(target)
                server.settimeout(None)
            except OSError:
                server.close()
                continue
            stack.enter_context(server)
            self._count(target, 1)
            stack.callback(self._count, target, -1)
            return server
        log.warning("<RUN10001013W>", "No worker takes a connection of the unix socket %s", self._path)
        return None

    def _count(self, target: str, change: int) -> None:
        with self._lock:
            self._load[target] = self._load.get(target, 0) + change


def _pump(source: socket.socket, sink: socket.socket, at_end: int) -> None:
    """Pass bytes on until the source ends; what the sink does not take holds the source up."""
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(at_end)
