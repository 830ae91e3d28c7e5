"""The native listener behind the HTTP server."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import alog

from caikit.runtime._serving.lane import Lane
from caikit.runtime._serving.native import tls_context
from caikit.runtime._serving.settings import CoreSettings, HttpSettings
from caikit.runtime._serving.tls import TlsSource
from caikit.runtime.heads.http import PROBE_PATHS, HttpHead
from caikit.runtime.transport.native import HttpService, Limits, NativeServer

log = alog.use_channel("SERVR-HTTP")

_CONCURRENCY = "limit_concurrency"
_IDLE = "timeout_keep_alive"


def make_native_server(
    head: HttpHead,
    lane: Lane,
    listener: socket.socket,
    *,
    core: CoreSettings,
    settings: HttpSettings,
    server_config: Mapping[str, Any],
    tls: TlsSource | None,
) -> NativeServer:
    """A server that listens on a bound socket. Of `server_config` it knows what does not concern uvicorn only."""
    unknown = sorted(set(server_config) - {_CONCURRENCY, _IDLE})
    if unknown:
        log.warning(
            "<RUN51820342W>",
            "runtime.http.server_config: the native transport ignores %s",
            ", ".join(unknown),
        )
    limits = Limits(
        read_seconds=core.read_seconds,
        min_body_rate=settings.min_body_rate,
        stall_seconds=core.stall_seconds,
        concurrency=server_config.get(_CONCURRENCY),
        idle_seconds=server_config.get(_IDLE, Limits().idle_seconds),
        probes=frozenset(PROBE_PATHS),
    )
    service = HttpService(
        head,
        workers=lane.workers,
        gate=lane.gate,
        max_body_size=settings.max_body_size,
        stall_seconds=core.stall_seconds,
    )
    server = NativeServer(http=service, limits=limits, name="caikit_http")
    context = None
    if tls is not None:
        context = tls_context(tls, server="HTTP", protocols=("h2", "http/1.1"), trust_own=False)
    server.add_socket(listener, context)
    return server
