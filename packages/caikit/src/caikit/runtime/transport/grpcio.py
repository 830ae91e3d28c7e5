"""gRPC over the sync server of `grpcio`."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import grpc

from caikit.runtime.engine import Gate, RequestError, Status, WorkerPool
from caikit.runtime.engine.guard import Guard

from ._grpcio_builtin import Health, reflection_handlers
from ._grpcio_calls import Calls, Endpoint, make_refusal
from ._grpcio_executor import LaneExecutor
from ._stall_watch import StallWatch

__all__ = ["Endpoint", "GrpcioTransport", "StallWatch"]

CONCURRENCY_KEY = "runtime.grpc.maximum_concurrent_rpcs"
_OPTIONS = {
    # Two servers that share a port by accident would each get half of the calls.
    "grpc.so_reuseport": 0,
    # Clients that vanish without a word are noticed when they do not answer pings.
    "grpc.keepalive_time_ms": 60_000,
    "grpc.keepalive_timeout_ms": 20_000,
}
# What grpcio needs to say goodbye to idle clients; without that, clients report a broken connection.
_GOODBYE_SECONDS = 0.2


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
        stalls: StallWatch | None = None,
        reflects: bool = True,
        reflection_guard: Guard | None = None,
    ) -> None:
        services = sorted({path.split("/")[1] for path in endpoints})
        self._executor = LaneExecutor(workers, gate)
        self._stalls = stalls or StallWatch()
        self._health = Health(services, self._stalls)
        calls = Calls(self._stalls, self._executor.find_refusal, gate.bytes_held)
        self._table = _MethodTable(
            {path: calls.make_handler(endpoint) for path, endpoint in endpoints.items()},
            own={
                **self._health.handlers(),
                **(reflection_handlers(services, reflection_guard) if reflects else {}),
            },
            executor=self._executor,
            gate=gate,
            maximum_concurrent=maximum_concurrent_rpcs,
        )
        self.server = grpc.server(
            self._executor,  # type: ignore[arg-type]  # grpcio asks for more than it uses
            handlers=[self._table],
            options=_channel_options(options or {}),
        )

    @property
    def running(self) -> int:
        """How many calls wait for workers or are served by them."""
        return self._executor.running

    def listen(self, address: str, credentials: grpc.ServerCredentials | None = None) -> int:
        """Bind an address; returns the port. Raises RuntimeError when it cannot be bound."""
        if credentials is None:
            return self.server.add_insecure_port(address)
        return self.server.add_secure_port(address, credentials)

    def start(self) -> None:
        self._stalls.start()
        self.server.start()

    def stop(self, grace_seconds: float) -> threading.Event:
        """Take no more calls; those that run longer than the grace period are cancelled. Returns at once."""
        self._health.drain()
        least = 0.001 if self.running else _GOODBYE_SECONDS
        # Without a grace period grpcio would block until the last call has ended.
        return self.server.stop(max(grace_seconds, least))

    def close(self) -> None:
        self._stalls.close()
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
        maximum_concurrent: int | None,
    ) -> None:
        self._methods = {path: (handler, False) for path, handler in methods.items()}
        for path, handler in own.items():
            self._methods.setdefault(path, (handler, path.startswith("/grpc.health.")))
        self._executor = executor
        self._gate = gate
        self._maximum_concurrent = maximum_concurrent

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        found = self._methods.get(details.method)
        if found is None:
            return None
        handler, control = found
        refusal = None if control else self._find_refusal()
        self._executor.use_control_lane(control or refusal is not None)
        return handler if refusal is None else make_refusal(refusal)

    def _find_refusal(self) -> RequestError | None:
        most = self._maximum_concurrent
        if most is not None and self._executor.running >= most:
            return self._gate.refuse(
                Status.RESOURCE_EXHAUSTED,
                f"Concurrent RPC limit exceeded! More than {most} ({CONCURRENCY_KEY})",
            )
        return self._gate.refusal()


def _channel_options(options: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    return tuple({**_OPTIONS, **options}.items())
