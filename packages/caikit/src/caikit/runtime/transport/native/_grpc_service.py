"""Serves gRPC: looks methods up, asks guards, refuses early."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from caikit.runtime.engine import (
    Body,
    Gate,
    LoopRuns,
    Reason,
    RequestContext,
    RequestError,
    Shape,
    Status,
    WorkerPool,
)
from caikit.runtime.engine.guard import Guard
from caikit.runtime.engine.limits import DEFAULT_READ_SECONDS, DEFAULT_STALL_SECONDS
from caikit.runtime.transport._builtin_calls import CountBuiltin, uncounted
from caikit.runtime.transport.http_messages import HeaderList

from ._call_stream import CallStream
from ._grpc_messages import ENCODINGS, IDENTITY, knows_encoding
from ._grpc_metadata import (
    RESPONSE_BLOCK,
    Metadata,
    MetadataError,
    Value,
    read_metadata,
    read_timeout,
    write_request_id,
    write_status,
)
from ._grpc_shapes import CALLS
from ._grpc_web import WebService
from ._header_blocks import encode_headers, encode_status
from ._heads import Head
from ._http2_stream import Stream, StreamUser
from ._permission import ask

CONCURRENCY_KEY = "runtime.grpc.maximum_concurrent_rpcs"
DEFAULT_LONGEST_MESSAGE = 4 * 1024 * 1024

_NOT_GRPC = encode_status(415)
_PREFIX = b"application/grpc"
_AFTER_PREFIX = (b"", b"+", b";")
# A call without a deadline may have one in the far future.
_NO_DEADLINE_SECONDS = 10 * 365 * 24 * 3600.0


class Endpoint(Protocol):
    """What a transport needs to know about a gRPC method."""

    @property
    def guard(self) -> Guard | None: ...

    @property
    def shape(self) -> Shape: ...

    @property
    def acknowledge(self) -> bool: ...

    @property
    def loop_runs(self) -> LoopRuns | None:
        """Decides which requests need no worker."""

    def answer(self, context: RequestContext, body: Body) -> bytes: ...

    def stream(self, context: RequestContext, body: Body) -> Iterator[bytes]: ...


Builtin = Callable[[CallStream, "CallPlan"], StreamUser]


@dataclass(slots=True)
class CallPlan:
    """What can be told of a call by its headers; connections keep it for calls with the same headers."""

    endpoint: Endpoint | None = None
    builtin: Builtin | None = None
    error: RequestError | None = None
    metadata: Metadata = ()
    headers: dict[str, str] = field(default_factory=dict)
    timeout: float | None = None
    encoding: bytes = IDENTITY
    """What is done to the messages of the client, if anything."""
    accepted: frozenset[bytes] = frozenset()
    """What may be done to those of the answer."""
    compression: bytes | None = None
    authorization: list[str] = field(default_factory=list)

    def copy(self) -> CallPlan:
        return CallPlan(
            self.endpoint,
            self.builtin,
            self.error,
            self.metadata,
            self.headers,
            self.timeout,
            self.encoding,
            self.accepted,
            self.compression,
            self.authorization,
        )


class GrpcService:
    """The methods of a server behind native connections."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        *,
        workers: WorkerPool,
        gate: Gate,
        longest_message: int | None = DEFAULT_LONGEST_MESSAGE,
        longest_answer: int | None = None,
        compression: bytes | None = None,
        maximum_concurrent_rpcs: int | None = None,
        read_seconds: float | None = DEFAULT_READ_SECONDS,
        stall_seconds: float | None = DEFAULT_STALL_SECONDS,
        reflects: bool = True,
        reflection_guard: Guard | None = None,
        count_builtin: CountBuiltin = uncounted,
        web_origins: Iterable[str] = (),
    ) -> None:
        """`compression` is done to answers (gzip or deflate) when clients accept it.

        Pages of `web_origins` may call over gRPC-Web though they come from elsewhere.
        """
        from ._grpc_health import Health
        from ._grpc_reflection import reflection_endpoints

        services = sorted({path.split("/")[1] for path in endpoints})
        self.workers = workers
        self.gate = gate
        self.longest_message = longest_message
        self.longest_answer = longest_answer
        self._compression = compression
        self.read_seconds = read_seconds
        self.stall_seconds = stall_seconds
        self.running = 0
        """Calls that wait for workers or are served by them."""
        self._maximum_concurrent = maximum_concurrent_rpcs
        self._health = Health(services, count_builtin)
        self._builtin: Mapping[str, Builtin] = self._health.methods()
        own = reflection_endpoints(services, count_builtin, reflection_guard) if reflects else {}
        self._endpoints: Mapping[str, Endpoint] = {**own, **endpoints}
        self.web = WebService(self, web_origins)

    def begin(self, head: Head, stream: Stream) -> None:
        """Serve a call whose messages are still to come."""
        base = head.base
        plan: CallPlan | None = base.plan
        if plan is None:
            if not _is_grpc(head.request.content_type) or head.request.method != "POST":
                stream.refuse(_NOT_GRPC)
                return
            plan = base.plan = self.plan(base)
        if head.varied:
            plan = self._vary(plan, head.varied)
        self.serve(plan, stream)

    def serve(self, plan: CallPlan, stream: CallStream) -> None:
        error = plan.error
        if error is None and plan.builtin is not None:
            stream.use(plan.builtin(stream, plan))
            return
        if error is None:
            error = self._find_refusal()
        else:
            self.gate.note(error)
        if error is not None:
            refuse(stream, error)
            return
        endpoint = plan.endpoint
        assert endpoint is not None  # noqa: S101 - a plan without one has an error
        verdict = None
        if endpoint.guard is not None:
            verdict = ask(endpoint.guard, plan.authorization, stream.connection)
            if verdict.refusal is not None and verdict.undecided is None:
                self.gate.note(verdict.refusal)
                refuse(stream, verdict.refusal)
                return
        call = CALLS[endpoint.shape](self, endpoint, plan, stream)
        if verdict is not None and verdict.undecided is not None:
            call.wait_for(verdict)
        stream.use(call)
        call.begin()

    def is_crowded(self) -> bool:
        """Calls wait, or are refused, because of those that run."""
        most = self._maximum_concurrent
        return self.workers.queued > 0 or (most is not None and self.running >= most)

    def knows(self, path: str) -> bool:
        return path in self._endpoints or path in self._builtin

    def refuse(self, stream: CallStream, error: RequestError) -> None:
        """End a call that cannot be read."""
        self.gate.note(error)
        refuse(stream, error)

    def refuse_head(self, reason: str) -> bytes:
        """What is said to a call whose headers cannot be taken."""
        return RESPONSE_BLOCK + write_status(Status.RESOURCE_EXHAUSTED, reason)

    def drain(self) -> None:
        """Say from now on that the server does not serve."""
        self._health.drain()

    def plan(self, head: Head) -> CallPlan:
        """What the headers of a call say."""
        path = head.request.path
        plan = CallPlan(self._endpoints.get(path), self._builtin.get(path))
        if plan.endpoint is None and plan.builtin is None:
            plan.error = RequestError(Status.UNIMPLEMENTED, "Method not found!", reason=Reason.UNKNOWN_METHOD)
            return plan
        plan.authorization = head.values(b"authorization")
        self._read_headers(plan, head.headers)
        return plan

    def _vary(self, base: CallPlan, headers: HeaderList) -> CallPlan:
        """The plan of a call with more headers."""
        plan = base.copy()
        if plan.error is None or plan.endpoint is not None:
            self._read_headers(plan, headers)
        return plan

    def _read_headers(self, plan: CallPlan, headers: HeaderList) -> None:
        try:
            metadata = read_metadata(headers)
        except MetadataError as error:
            plan.error = RequestError(Status.INVALID_ARGUMENT, str(error))
            return
        plan.metadata += metadata
        # Binary values are bytes, which the readers of those know.
        values: dict[str, Value] = dict(metadata)
        plan.headers = {**plan.headers, **values}  # type: ignore[dict-item]
        for name, value in headers:
            if name == b"grpc-timeout":
                timeout = read_timeout(value)
                if timeout is None:
                    # Of several mistakes the same one is told, whichever header was read before.
                    plan.error = plan.error or RequestError(
                        Status.INTERNAL, "Expected a time-out as grpc-timeout"
                    )
                elif timeout < _NO_DEADLINE_SECONDS:
                    plan.timeout = timeout
            elif name == b"grpc-encoding":
                plan.encoding = value
                if not knows_encoding(value):
                    known = ENCODINGS.decode()
                    plan.error = RequestError(Status.UNIMPLEMENTED, f"grpc-encoding: expected one of {known}")
            elif name == b"grpc-accept-encoding":
                plan.accepted = frozenset(map(bytes.strip, value.split(b",")))
                if self._compression in plan.accepted:
                    plan.compression = self._compression

    def _find_refusal(self) -> RequestError | None:
        most = self._maximum_concurrent
        if most is not None and self.running >= most:
            return self.gate.refuse(
                Status.RESOURCE_EXHAUSTED,
                f"Concurrent RPC limit exceeded! More than {most} ({CONCURRENCY_KEY})",
                Reason.CONCURRENCY,
            )
        return self.gate.refusal()


def refuse(stream: CallStream, error: RequestError) -> None:
    """End a call that has no answer yet."""
    status = write_status(error.status, error.message) + write_request_id(stream.choose_id())
    if error.status is Status.UNIMPLEMENTED:
        status += encode_headers([(b"grpc-accept-encoding", ENCODINGS)])
    stream.refuse(RESPONSE_BLOCK + status)


def _is_grpc(content_type: bytes | None) -> bool:
    if content_type is None or not content_type.startswith(_PREFIX):
        return False
    return content_type[len(_PREFIX) : len(_PREFIX) + 1] in _AFTER_PREFIX
