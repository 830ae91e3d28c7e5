"""The two ways to listen for gRPC."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Protocol

from caikit.runtime._serving.lane import Lane
from caikit.runtime._serving.settings import CoreSettings, GrpcSettings
from caikit.runtime.engine.guard import Guard
from caikit.runtime.heads.grpc import GrpcEndpoint
from caikit.runtime.transport.grpcio import GrpcioTransport, StallWatch


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
    core: CoreSettings,
    reflects: bool,
    reflection_guard: Guard | None,
) -> Transport:
    return GrpcioTransport(
        endpoints,
        workers=lane.workers,
        gate=lane.gate,
        options=settings.options,
        maximum_concurrent_rpcs=settings.maximum_concurrent_rpcs,
        stalls=StallWatch(read_seconds=core.read_seconds, stall_seconds=core.stall_seconds),
        reflects=reflects,
        reflection_guard=reflection_guard,
        count_builtin=lane.count_builtin,
    )


def make_native_transport(
    endpoints: Mapping[str, GrpcEndpoint],
    *,
    lane: Lane,
    settings: GrpcSettings,
    core: CoreSettings,
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
    from caikit.runtime.transport.native import GrpcService

    service = GrpcService(
        endpoints,
        workers=lane.workers,
        gate=lane.gate,
        longest_message=longest_message(settings.options),
        longest_answer=longest_answer(settings.options),
        compression=compression(settings.options),
        maximum_concurrent_rpcs=settings.maximum_concurrent_rpcs,
        read_seconds=core.read_seconds,
        stall_seconds=core.stall_seconds,
        reflects=reflects,
        reflection_guard=reflection_guard,
        count_builtin=lane.count_builtin,
    )
    limits = grpc_limits(settings.options, read_seconds=core.read_seconds, stall_seconds=core.stall_seconds)
    return NativeGrpcTransport(service, limits=limits, share_port=shares_port(settings.options))
