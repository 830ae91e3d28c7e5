"""gRPC over the sync server of `grpcio`."""

from __future__ import annotations

import math
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
from ._grpcio_farewell import HeldRefusals
from ._stall_watch import StallWatch
from .unix_listener import require_free

__all__ = ["Endpoint", "GrpcioTransport", "StallWatch"]

CONCURRENCY_KEY = "runtime.grpc.maximum_concurrent_rpcs"
_OPTIONS = {
    # Two servers that share a port by accident would each get half of the calls.
    "grpc.so_reuseport": 0,
    # Clients that vanish without a word are noticed when they do not answer pings.
    "grpc.keepalive_time_ms": 60_000,
    "grpc.keepalive_timeout_ms": 20_000,
}
_UNIX = "unix://"
# Before the goodbye, a server has looked that often and seen no call come or end: the clients of others are about to
# send their next ones. Looks take longer on a busy machine, as clients do.
_QUIET_LOOKS = 25
_IDLE_LOOKS = 5
_LOOK_SECONDS = 0.01
_IDLE_SECONDS = 1.0
_MOST_LOOKING_SECONDS = 3.0
# What grpcio needs to say goodbye to idle clients; without that, clients report a broken connection.
_GOODBYE_SECONDS = 0.2
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
        self._maximum_concurrent = maximum_concurrent_rpcs
        self._stalls = stalls or StallWatch()
        self._health = Health(services, self._stalls, count_builtin)
        calls = Calls(self._stalls, self._executor.find_refusal, gate)
        self._held = HeldRefusals()
        self._table = _MethodTable(
            {path: calls.make_handler(endpoint) for path, endpoint in endpoints.items()},
            own={
                **self._health.handlers(),
                **(reflection_handlers(services, gate, count_builtin, reflection_guard) if reflects else {}),
            },
            executor=self._executor,
            gate=gate,
            held=self._held,
            maximum_concurrent=maximum_concurrent_rpcs,
        )
        self.server = grpc.server(
            self._executor,  # type: ignore[arg-type]  # grpcio asks for more than it uses
            handlers=[self._table],
            options=_channel_options(options or {}),
        )
        self._started = False
        self._stopped = threading.Event()
        self._stopper: threading.Thread | None = None
        self._end = math.inf
        """When calls may run no longer, in seconds of `time.monotonic`; infinite before the server is stopped."""

    @property
    def running(self) -> int:
        """How many calls wait for workers or are served by them."""
        return self._executor.running

    def _is_crowded(self) -> bool:
        """Calls wait, or are refused, because of those that run."""
        most = self._maximum_concurrent
        return self._executor.queued > 0 or (most is not None and self.running >= most)

    def listen(self, address: str, credentials: grpc.ServerCredentials | None = None) -> int:
        """Bind an address; returns the port. Raises RuntimeError when it cannot be bound."""
        if address.startswith(_UNIX):
            # grpcio would take the place of whoever listens there.
            try:
                require_free(address.removeprefix(_UNIX))
            except OSError as error:
                raise RuntimeError(error.strerror or str(error)) from error
        if credentials is None:
            return self.server.add_insecure_port(address)
        return self.server.add_secure_port(address, credentials)

    def start(self) -> None:
        self._stalls.start(self._is_crowded)
        self.server.start()
        self._started = True

    def stop(self, grace_seconds: float) -> threading.Event:
        """Take no more calls; those that run longer than the grace period are ended. Returns at once."""
        self._gate.drain()
        self._health.drain()
        if not self._started:
            return self.server.stop(0)
        self._end = min(self._end, time.monotonic() + grace_seconds)
        if self._stopper is None:
            self._held.begin()
            self._stopper = threading.Thread(
                target=self._stop_in_stages, name="caikit_grpc_stop", daemon=True
            )
            self._stopper.start()
        return self._stopped

    def close(self) -> None:
        self._end = 0.0
        if self._stopper is not None:
            self._stopper.join(_JOIN_SECONDS)
        self._stalls.close()
        self._executor.shutdown()

    def _stop_in_stages(self) -> None:
        """Say goodbye in a quiet moment, let run what runs, end the rest."""
        self._wait_until_quiet()
        ended = self._stop_server(self._end - time.monotonic())
        self._held.release()
        self._health.end()
        # Meanwhile, the end may be brought forward.
        while time.monotonic() < self._end and not ended.wait(_LOOK_SECONDS):
            pass
        self._stop_server(0).wait()
        self._stopped.set()

    def _stop_server(self, grace_seconds: float) -> threading.Event:
        least = 0.001 if self.running else _GOODBYE_SECONDS
        # Without a grace period grpcio would block until the last call has ended.
        return self.server.stop(max(grace_seconds, least))

    def _wait_until_quiet(self) -> None:
        """Calls that come while grpcio begins to stop are cancelled; it has to begin when none are about to come."""
        most = time.monotonic() + _MOST_LOOKING_SECONDS
        quiet, seen = 0, None
        while (now := time.monotonic()) < min(self._end, most):
            look = (self._table.calls, self.running)
            quiet, seen = quiet + 1 if look == seen else 0, look
            busy = self.running or now - self._table.called_at < _IDLE_SECONDS
            if quiet > (_QUIET_LOOKS if busy else _IDLE_LOOKS):
                return
            time.sleep(_LOOK_SECONDS)


class _MethodTable(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in its stubs only
    """All methods of the server by path."""

    def __init__(
        self,
        methods: Mapping[str, grpc.RpcMethodHandler[Any, Any]],
        *,
        own: Mapping[str, grpc.RpcMethodHandler[Any, Any]],
        executor: LaneExecutor,
        gate: Gate,
        held: HeldRefusals,
        maximum_concurrent: int | None,
    ) -> None:
        self._methods = {path: (handler, False) for path, handler in methods.items()}
        for path, handler in own.items():
            self._methods.setdefault(path, (handler, path.startswith("/grpc.health.")))
        self._executor = executor
        self._gate = gate
        self._held = held
        self._maximum_concurrent = maximum_concurrent
        self.calls = 0
        """How many have come."""
        self.called_at = float("-inf")
        """When the last one came, in seconds of `time.monotonic`."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        self.calls += 1
        self.called_at = time.monotonic()
        found = self._methods.get(details.method)
        if found is None:
            unknown = self._gate.refuse(Status.UNIMPLEMENTED, "Method not found!", Reason.UNKNOWN_METHOD)
            self._executor.use_control_lane(True)
            return make_refusal(unknown)
        handler, control = found
        refusal = None if control else self._find_refusal()
        self._executor.use_control_lane(control or refusal is not None)
        if refusal is None:
            return handler
        return self._held.make_handler(refusal) if self._held.holds else make_refusal(refusal)

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
