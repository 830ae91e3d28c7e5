"""The HTTP server: configuration in, a listening server out."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import alog

from caikit.core.toolkit import logging
from caikit.runtime._numbers import whole
from caikit.runtime._serving.libraries import import_libraries
from caikit.runtime._serving.settings import HttpSettings
from caikit.runtime._serving.transport_choice import uses_native
from caikit.runtime._workers.ports import shared_socket
from caikit.runtime._workers.seat import http_seat, is_worker, loads_of_team
from caikit.runtime.heads.http import PROBE_PATHS, HttpHead
from caikit.runtime.server_base import RuntimeServerBase
from caikit.runtime.transport.asgi import AsgiApp

if TYPE_CHECKING:
    from caikit.runtime.transport.native import HttpService, NativeServer
    from caikit.runtime.transport.uvicorn_server import ConnectionLimits, UvicornServer

    from ._native import OnePortHttp

log = alog.use_channel("SERVR-HTTP")

Bound = TypeVar("Bound")

_OWN_KEYS = frozenset({"host", "port", "log_level", "log_config", "timeout_graceful_shutdown"})
# What uvicorn calls the keys of TLS; the native listener has them from `runtime.tls` only.
_TLS_KEYS = frozenset({"ssl_keyfile", "ssl_certfile", "ssl_ca_certs", "ssl_cert_reqs"})
_BACKLOG = 2048
# What uvicorn needs, beyond the grace period, to end requests that it cancels.
_CANCEL_SECONDS = 2.0


class RuntimeHTTPServer(RuntimeServerBase):
    """Serves the configured library over HTTP with JSON."""

    _protocol = "http"

    def __init__(self, tls_config_override: Any = None) -> None:
        super().__init__(tls_config_override)
        self._serving: UvicornServer | NativeServer | OnePortHttp | None = None
        self._port = 0
        try:
            self._settings = http_seat(HttpSettings.from_config(self.config))
            self._head = self._make_head()
            self.app = self._make_app()
            self._serving = self._make_native() if uses_native(self.config) else self._make_server()
        except BaseException:
            self.stop(0)
            raise

    @property
    def server(self) -> Any:
        """The server of uvicorn, or the native one."""
        serving = self._get_serving()
        return getattr(serving, "server", serving)

    @property
    def port(self) -> int:
        return self._port

    @property
    def _grace_seconds(self) -> float:
        return self._settings.grace_seconds

    @property
    def _last_tick(self) -> float | None:
        return None if self._serving is None else self._serving.last_tick

    def _make_head(self) -> HttpHead:
        core = self._core
        head = HttpHead(
            self._lane.engine,
            core.operations,
            title=core.title,
            version=core.version,
            description=core.description,
            find_obstacle=self._find_obstacle,
            authoriser=core.authoriser,
            stream_error_status=self._settings.stream_error_status,
        )
        if self._lane.tracing is not None:
            self._lane.tracing.find_http_status = head.answer_status
        return head

    def _make_app(self) -> AsgiApp:
        return AsgiApp(
            self._head,
            workers=self._lane.workers,
            gate=self._lane.gate,
            max_body_size=self._settings.max_body_size,
            stall_seconds=self._core.settings.stall_seconds,
        )

    def _find_obstacle(self) -> str | None:
        loads = loads_of_team() if is_worker() else self._core.store.loads_initially
        return f"Loading {loads} models" if loads else None

    def _make_server(self) -> UvicornServer:
        from caikit.runtime.transport.uvicorn_server import UvicornServer

        from ._tls_files import renew_tls, tls_settings

        with tls_settings(self._tls) as tls:
            extra = _check_server_config(self._settings.server_config, tls, self.thread_pool.size)
            listener = self._listen()
            try:
                server = UvicornServer(self.app, listener, settings={**extra, **tls}, limits=self._limits())
                if self._tls is not None:
                    renew_tls(server.server.config, self._tls)
                return server
            except BaseException:
                listener.close()
                raise

    def _make_native(self) -> NativeServer | OnePortHttp:
        from ._native import http_limits, make_native_server, make_service

        server_config = _check_server_config(
            self._settings.server_config, dict.fromkeys(_TLS_KEYS), self.thread_pool.size
        )
        limits = http_limits(server_config, core=self._core, settings=self._settings)
        service = make_service(self._head, self._lane, core=self._core, settings=self._settings)
        if self._settings.one_port:
            return self._join_grpc(service, limits)
        listener = self._listen()
        try:
            return make_native_server(service, listener, limits=limits, tls=self._tls)
        except BaseException:
            listener.close()
            raise

    def _join_grpc(self, service: HttpService, limits: Mapping[str, Any]) -> OnePortHttp:
        """Be on one port with the gRPC server, whichever of the two is built first."""
        from ._native import OnePortHttp

        settings, worker = self._settings, is_worker()
        server = OnePortHttp(
            self._core, service, limits=limits, settings=settings, tls=self._tls, share_port=worker
        )
        try:
            # Calls that come before somebody serves them would be kept from the workers that do.
            self._port = settings.port if worker else self._bind(server.listen)
        except BaseException:
            server.force_stop()
            raise
        return server

    def _limits(self) -> ConnectionLimits:
        from caikit.runtime.transport.uvicorn_server import ConnectionLimits

        settings = self._core.settings
        return ConnectionLimits(
            read_seconds=settings.read_seconds,
            min_body_rate=self._settings.min_body_rate,
            stall_seconds=settings.stall_seconds,
            probes=frozenset(path.encode() for path in PROBE_PATHS),
            message_bytes=self._settings.max_body_size,
            bytes_held=self._lane.gate.bytes_held,
            on_refusal=self._lane.gate.count,
        )

    def _listen(self) -> socket.socket:
        listener = self._bind(partial(_bind, self._settings.host))
        self._port = listener.getsockname()[1]
        return listener

    def _bind(self, bind: Callable[[int], Bound]) -> Bound:
        """Bind the configured port, or another one if that is allowed."""
        port = self._settings.port
        try:
            return bind(port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not self._settings.find_available_port:
                raise OSError(
                    error.errno, f"Cannot listen on port {port} (runtime.http.port): {error.strerror}"
                ) from error
            return bind(0)

    def _get_serving(self) -> UvicornServer | NativeServer | OnePortHttp:
        if self._serving is None:
            raise RuntimeError("The HTTP server was not built")
        return self._serving

    def _start_head(self) -> None:
        self._get_serving().start()

    def _stop_head(self, grace: float) -> None:
        if self._serving is not None:
            self._serving.stop(grace)
            self._serving.join(grace + _CANCEL_SECONDS)

    def _cancel_head(self) -> None:
        self._get_serving().force_stop()

    def _log_started(self) -> None:
        report = log.debug if is_worker() else log.info
        report(
            "<RUN10001002I>",
            "Caikit Runtime is serving http on port: %s with thread pool size: %s",
            self.port,
            self.thread_pool.size,
        )
        host = self._settings.host.strip("[]")
        scheme = "http" if self._tls is None else "https"
        report(
            "<RUN10001004I>",
            "Listening on %s://%s:%s",
            scheme,
            f"[{host}]" if ":" in host else host,
            self.port,
        )


def main(blocking: bool = True) -> None:
    """Build the server and serve."""
    logging.configure()
    import_libraries()
    RuntimeHTTPServer().start(blocking)


def _bind(host: str, port: int) -> socket.socket:
    if is_worker():
        return shared_socket(host, port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host.strip("[]"), port), family=family, backlog=_BACKLOG)


def _check_server_config(
    server_config: Mapping[str, Any], tls: Mapping[str, Any], threads: int
) -> dict[str, Any]:
    """The settings for uvicorn that the configuration adds to ours."""
    overlap = sorted(_OWN_KEYS.intersection(server_config))
    if overlap:
        raise ValueError(f"<RUN99488934E> runtime.http.server_config must not contain {', '.join(overlap)}")
    overlap = sorted(set(tls).intersection(server_config))
    if overlap:
        raise ValueError(
            f"<RUN30233180E> runtime.http.server_config must not contain {', '.join(overlap)} when TLS is on"
        )
    settings = dict(server_config)
    limit = whole("runtime.http.server_config.limit_concurrency", settings.pop("limit_concurrency", 0) or 0)
    if limit:
        settings["limit_concurrency"] = limit if limit > 0 else 2 * threads
    return settings
