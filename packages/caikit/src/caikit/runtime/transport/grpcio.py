"""gRPC over the sync server of `grpcio`."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import grpc

from caikit.runtime.engine import Gate, WorkerPool

from ._grpcio_builtin import Health, reflection_handlers
from ._grpcio_calls import Endpoint, make_handler, make_refusal
from ._grpcio_executor import LaneExecutor

__all__ = ["Endpoint", "GrpcioTransport"]


class GrpcioTransport:
    """A gRPC server: listens, looks methods up, hands calls to the workers."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        *,
        workers: WorkerPool,
        gate: Gate,
        options: Mapping[str, Any] | None = None,
        maximum_concurrent_rpcs: int | None = None,
    ) -> None:
        services = sorted({path.split("/")[1] for path in endpoints})
        self._executor = LaneExecutor(workers)
        self._health = Health(services)
        self._table = _MethodTable(
            {path: make_handler(endpoint) for path, endpoint in endpoints.items()},
            own={**self._health.handlers(), **reflection_handlers(services)},
            executor=self._executor,
            gate=gate,
        )
        self.server = grpc.server(
            self._executor,  # type: ignore[arg-type]  # grpcio asks for more than it uses
            handlers=[self._table],
            options=_channel_options(options or {}),
            maximum_concurrent_rpcs=maximum_concurrent_rpcs,
        )

    def listen(self, address: str, credentials: grpc.ServerCredentials | None = None) -> int:
        """Bind an address; returns the port. Raises RuntimeError when it cannot be bound."""
        if credentials is None:
            return self.server.add_insecure_port(address)
        return self.server.add_secure_port(address, credentials)

    def start(self) -> None:
        self.server.start()

    def stop(self, grace_seconds: float) -> threading.Event:
        """Take no more calls; those that run longer than the grace period are cancelled. Returns at once."""
        self._health.drain()
        # Without a grace period grpcio would block until the last call has ended.
        return self.server.stop(max(grace_seconds, 0.001))

    def close(self) -> None:
        self._executor.shutdown()


class _MethodTable(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in its stubs only
    """All methods of the server by path."""

    def __init__(
        self,
        methods: Mapping[str, grpc.RpcMethodHandler[Any, Any]],
        *,
        own: Mapping[str, grpc.RpcMethodHandler[Any, Any]],
        executor: LaneExecutor,
        gate: Gate,
    ) -> None:
        self._methods = {path: (handler, False) for path, handler in methods.items()}
        for path, handler in own.items():
            self._methods.setdefault(path, (handler, path.startswith("/grpc.health.")))
        self._executor = executor
        self._gate = gate

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        found = self._methods.get(details.method)
        if found is None:
            return None
        handler, control = found
        refusal = None if control else self._gate.refusal()
        self._executor.use_control_lane(control or refusal is not None)
        return handler if refusal is None else make_refusal(refusal)


def _channel_options(options: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    # Two servers that share a port by accident would each get half of the calls.
    return tuple({"grpc.so_reuseport": 0, **options}.items())
