"""The HTTP endpoint that prometheus reads."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import alog

from caikit.runtime.engine.guard import Guard

from ._guarded import Application, GuardedApp

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

log = alog.use_channel("METRICS")

_SHUTDOWN_POLL_SECONDS = 0.05
# No connection can be accepted with these, and the next attempt would fail at once.
_EXHAUSTED = (errno.EMFILE, errno.ENFILE)
_PAUSE_SECONDS = 0.5
_SECONDS_BETWEEN_WARNINGS = 60.0


class MetricsEndpoint:
    """Serves the process-wide prometheus registry, plus collectors of its own."""

    def __init__(
        self, *, host: str, port: int, collectors: Iterable[Collector], guard: Guard | None = None
    ) -> None:
        self._guard = guard
        self._host = host
        self._wanted_port = port
        self._collectors = tuple(collectors)
        self._server: WSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int | None:
        return None if self._server is None else int(self._server.server_port)

    def start(self) -> None:
        from prometheus_client import REGISTRY

        if self._server is not None:
            return
        app = self._make_app()
        if self._guard is not None:
            app = GuardedApp(app, self._guard)
        self._server = make_server(
            self._host, self._wanted_port, app, self._server_class(), handler_class=_QuietHandler
        )
        for collector in self._collectors:
            REGISTRY.register(collector)
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
        for collector in self._collectors:
            REGISTRY.unregister(collector)
        self._server = self._thread = None

    def _make_app(self) -> Application:
        from prometheus_client import make_wsgi_app

        app: Application = make_wsgi_app()
        return app

    def _server_class(self) -> type[WSGIServer]:
        return _ThreadingServerV6 if ":" in self._host else _ThreadingServer


class _ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    # A scrape that hangs must not delay the end of the server.
    block_on_close = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ending = threading.Event()
        self._next_warning = 0.0

    def get_request(self) -> tuple[socket.socket, Any]:
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                self._wait_for_descriptors(error)
            raise

    def shutdown(self) -> None:
        self._ending.set()
        super().shutdown()

    def _wait_for_descriptors(self, error: OSError) -> None:
        if time.monotonic() >= self._next_warning:
            self._next_warning = time.monotonic() + _SECONDS_BETWEEN_WARNINGS
            log.warning(
                "<RUN76773779W>", "Connections to the port of the metrics have to wait: %s", error.strerror
            )
        self._ending.wait(_PAUSE_SECONDS)


class _ThreadingServerV6(_ThreadingServer):
    address_family = socket.AF_INET6


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are not worth a line."""
