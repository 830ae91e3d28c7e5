"""The two ways to listen for gRPC."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Protocol

from caikit.runtime._serving.core import ServingCore
from caikit.runtime._serving.lane import Lane
from caikit.runtime._serving.settings import GrpcSettings
from caikit.runtime._serving.tls import TlsSource
from caikit.runtime.engine.guard import Guard
from caikit.runtime.heads.grpc import GrpcEndpoint


class Transport(Protocol):
    """What listens, and hands calls to the workers."""

    @property
    def server(self) -> Any: ...

    @property
    def last_tick(self) -> float | None:
        """When the event loop has turned, in seconds of `time.monotonic`; None if there is none."""

    def listen(self, address: str, credentials: Any = None) -> int:
        """Bind an address; returns the port. Raises RuntimeError when it cannot be bound."""

    def start(self) -> None: ...

    def stop(self, grace_seconds: float) -> threading.Event: ...

    def close(self) -> None: ...


def make_grpcio_transport(
    endpoints: Mapping[str, GrpcEndpoint],
    *,
    lane: Lane,
    settings: GrpcSettings,
    core: ServingCore,
    tls: TlsSource | None,
    reflects: bool,
    reflection_guard: Guard | None,
) -> Transport:
    from caikit.runtime.transport.grpcio import GrpcioTransport, StallWatch

    return GrpcioTransport(
        endpoints,
        workers=lane.workers,
        gate=lane.gate,
        options=settings.options,
        maximum_concurrent_rpcs=settings.maximum_concurrent_rpcs,
        stalls=StallWatch(read_seconds=core.settings.read_seconds, stall_seconds=core.settings.stall_seconds),
        reflects=reflects,
        reflection_guard=reflection_guard,
        count_builtin=lane.count_builtin,
    )


def make_native_transport(
    endpoints: Mapping[str, GrpcEndpoint],
    *,
    lane: Lane,
    settings: GrpcSettings,
    core: ServingCore,
    tls: TlsSource | None,
    reflects: bool,
    reflection_guard: Guard | None,
) -> Transport:
    from caikit.runtime._serving.native import (
        NativeGrpcTransport,
        compression,
        grpc_limits,
        longest_answer,
        longest_message,
        shares_port,
    )
    from caikit.runtime.transport.native import GrpcService, Limits

    service = GrpcService(
        endpoints,
        workers=lane.workers,
        gate=lane.gate,
        longest_message=longest_message(settings.options),
        longest_answer=longest_answer(settings.options),
        compression=compression(settings.options),
        maximum_concurrent_rpcs=settings.maximum_concurrent_rpcs,
        read_seconds=core.settings.read_seconds,
        stall_seconds=core.settings.stall_seconds,
        reflects=reflects,
        reflection_guard=reflection_guard,
        count_builtin=lane.count_builtin,
        web_origins=settings.web_origins,
    )
    limits = {
        "read_seconds": core.settings.read_seconds,
        "stall_seconds": core.settings.stall_seconds,
        **grpc_limits(settings.options),
    }
    share_port = shares_port(settings.options)
    if not settings.one_port:
        return NativeGrpcTransport(service, limits=Limits(**limits), share_port=share_port)
    from caikit.runtime._serving.one_port import OnePortGrpc, find_port

    return OnePortGrpc(find_port(core, "grpc", tls), service, limits, share_port=share_port)
