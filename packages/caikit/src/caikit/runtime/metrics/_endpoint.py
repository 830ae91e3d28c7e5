"""The HTTP endpoint that prometheus reads."""

from __future__ import annotations

import socket
import threading
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

_SHUTDOWN_POLL_SECONDS = 0.05


class MetricsEndpoint:
    """Serves the process-wide prometheus registry, plus one collector of its own."""

    def __init__(self, *, host: str, port: int, collector: Collector) -> None:
        self._host = host
        self._wanted_port = port
        self._collector = collector
        self._server: WSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int | None:
        return None if self._server is None else int(self._server.server_port)

    def start(self) -> None:
        from prometheus_client import REGISTRY, make_wsgi_app

        if self._server is not None:
            return
        server_class = _ThreadingServerV6 if ":" in self._host else _ThreadingServer
        self._server = make_server(
            self._host, self._wanted_port, make_wsgi_app(), server_class, handler_class=_QuietHandler
        )
        REGISTRY.register(self._collector)
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": _SHUTDOWN_POLL_SECONDS},
            name="caikit_metrics",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        from prometheus_client import REGISTRY

        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        REGISTRY.unregister(self._collector)
        self._server = self._thread = None


class _ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    # A scrape that hangs must not delay the end of the server.
    block_on_close = False


class _ThreadingServerV6(_ThreadingServer):
    address_family = socket.AF_INET6


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are not worth a line."""
