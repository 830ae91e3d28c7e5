"""The native listener behind the HTTP server."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import alog

from caikit.runtime._serving.core import ServingCore
from caikit.runtime._serving.lane import Lane
from caikit.runtime._serving.native import tls_context
from caikit.runtime._serving.one_port import SharedPort, find_port
from caikit.runtime._serving.settings import HttpSettings
from caikit.runtime._serving.tls import TlsSource
from caikit.runtime.heads.http import PROBE_PATHS, HttpHead
from caikit.runtime.transport.native import HttpService, Limits, NativePart, NativeServer

log = alog.use_channel("SERVR-HTTP")

_CONCURRENCY = "limit_concurrency"
_IDLE = "timeout_keep_alive"
_VERSIONS = ("h2", "http/1.1")


def make_native_server(
    service: HttpService, listener: socket.socket, *, limits: Mapping[str, Any], tls: TlsSource | None
) -> NativeServer:
    """A server that listens on a bound socket."""
    server = NativeServer(http=service, limits=Limits(**limits), name="caikit_http")
    context = None
    if tls is not None:
        context = tls_context(tls, server="HTTP", protocols=_VERSIONS, trust_own=False)
    server.add_socket(listener, context)
    return server


class OnePortHttp:
    """The HTTP server on the port of gRPC, with the life cycle of one that has its own."""

    def __init__(
        self,
        core: ServingCore,
        service: HttpService,
        *,
        limits: Mapping[str, Any],
        settings: HttpSettings,
        tls: TlsSource | None,
        share_port: bool,
    ) -> None:
        self._settings = settings
        self._tls = tls
        self._share_port = share_port
        self._shared: SharedPort = find_port(core, "http", tls)
        self._part: NativePart = self._shared.join_http(service, limits)

    @property
    def server(self) -> NativeServer:
        return self._part.server

    @property
    def last_tick(self) -> float | None:
        return self._part.last_tick

    def listen(self, port: int) -> int:
        """Bind a port unless gRPC has; returns it. Raises OSError when it cannot be bound."""
        context = None
        if self._tls is not None:
            # As for gRPC: a probe can use the server's own key pair.
            context = tls_context(self._tls, server="gRPC and HTTP", protocols=_VERSIONS, trust_own=True)
        return self._shared.listen(f"{self._settings.host}:{port}", context, share_port=self._share_port)

    def start(self) -> None:
        if not self._shared.is_open:
            self.listen(self._settings.port)
        self._part.start()

    def stop(self, grace_seconds: float) -> None:
        self._part.stop(grace_seconds)

    def force_stop(self) -> None:
        self._part.force_stop()

    def join(self, timeout: float | None = None) -> bool:
        return self._part.join(timeout)


def make_service(head: HttpHead, lane: Lane, *, core: ServingCore, settings: HttpSettings) -> HttpService:
    return HttpService(
        head,
        workers=lane.workers,
        gate=lane.gate,
        max_body_size=settings.max_body_size,
        stall_seconds=core.settings.stall_seconds,
    )


def http_limits(
    server_config: Mapping[str, Any], *, core: ServingCore, settings: HttpSettings
) -> dict[str, Any]:
    """The limits of connections. Of `server_config` it knows what does not concern uvicorn only."""
    unknown = sorted(set(server_config) - {_CONCURRENCY, _IDLE})
    if unknown:
        log.warning(
            "<RUN51820342W>",
            "runtime.http.server_config: the native transport ignores %s",
            ", ".join(unknown),
        )
    limits: dict[str, Any] = {
        "read_seconds": core.settings.read_seconds,
        "min_body_rate": settings.min_body_rate,
        "stall_seconds": core.settings.stall_seconds,
        "concurrency": server_config.get(_CONCURRENCY),
        "probes": frozenset(PROBE_PATHS),
    }
    if _IDLE in server_config:
        limits["idle_seconds"] = server_config[_IDLE]
    return limits
