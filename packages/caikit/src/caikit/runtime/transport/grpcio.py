"""gRPC over the sync server of `grpcio`."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import grpc

from caikit.runtime.engine import Gate, Reason, RequestError, Status, WorkerPool
from caikit.runtime.engine.guard import Guard

from ._builtin_calls import CountBuiltin, uncounted
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
# A server that stops refuses calls until it has looked that often and no more had come.
_QUIET_LOOKS = 5
_LOOK_SECONDS = 0.01
# For so long it also waits for the calls that run: their clients will come again. Then it is time for the goodbye.
_REFUSING_SECONDS = 1.0
_MOST_REFUSING_SECONDS = 3.0
_JOIN_SECONDS = 2.0


class GrpcioTransport:
    """A gRPC server: listens, looks methods up, hands calls to the workers."""

    last_tick: float | None = None
    """There is no event loop that could be stuck."""

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
        count_builtin: CountBuiltin = uncounted,
    ) -> None:
        services = sorted({path.split("/")[1] for path in endpoints})
        self._gate = gate
        self._executor = LaneExecutor(workers, gate)
        self._stalls = stalls or StallWatch()
        self._health = Health(services, self._stalls, count_builtin)
        calls = Calls(self._stalls, self._executor.find_refusal, gate)
        self._table = _MethodTable(
            {path: calls.make_handler(endpoint) for path, endpoint in endpoints.items()},
            own={
                **self._health.handlers(),
                **(reflection_handlers(services, gate, count_builtin, reflection_guard) if reflects else {}),
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
        self._started = False
        self._stopper: threading.Thread | None = None
        self._now = threading.Event()

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
        self._started = True

    def stop(self, grace_seconds: float) -> threading.Event:
        """Take no more calls; those that run longer than the grace period are cancelled. Returns at once."""
        self._gate.drain()
        self._health.drain()
        if grace_seconds > 0 and self._started and self._stopper is None:
            stopped = threading.Event()
            self._stopper = threading.Thread(
                target=self._refuse_and_stop,
                args=(grace_seconds, stopped),
                name="caikit_grpc_stop",
                daemon=True,
            )
            self._stopper.start()
            return stopped
        self._now.set()
        return self._stop_server(grace_seconds)

    def close(self) -> None:
        self._now.set()
        if self._stopper is not None:
            self._stopper.join(_JOIN_SECONDS)
        self._stalls.close()
        self._executor.shutdown()

    def _refuse_and_stop(self, grace_seconds: float, stopped: threading.Event) -> None:
        """Stop `grpcio` when it has no calls to hand over.

        It would cancel those, and their clients would not know that they may repeat them.
        """
        begin = time.monotonic()
        seen, quiet, waited = 0, 0, 0.0
        while waited < min(grace_seconds, _MOST_REFUSING_SECONDS) and not self._now.wait(_LOOK_SECONDS):
            waited = time.monotonic() - begin
            seen, quiet = self._table.calls, quiet + 1 if self._table.calls == seen else 0
            if quiet >= _QUIET_LOOKS and (waited > _REFUSING_SECONDS or not self.running):
                break
        self._stop_server(grace_seconds - waited).wait()
        stopped.set()

    def _stop_server(self, grace_seconds: float) -> threading.Event:
        least = 0.001 if self.running else _GOODBYE_SECONDS
        # Without a grace period grpcio would block until the last call has ended.
        return self.server.stop(max(grace_seconds, least))


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
        self.calls = 0
        """How many have come."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        self.calls += 1
        found = self._methods.get(details.method)
        if found is None:
            unknown = self._gate.refuse(Status.UNIMPLEMENTED, "Method not found!", Reason.UNKNOWN_METHOD)
            self._executor.use_control_lane(True)
            return make_refusal(unknown)
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
                Reason.CONCURRENCY,
            )
        return self._gate.refusal()


def _channel_options(options: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    return tuple({**_OPTIONS, **options}.items())
