"""The health service: answered in the event loop, so that it never waits for a worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2

from caikit.runtime.engine import RequestError, Shape, Status
from caikit.runtime.engine.limits import READ_SECONDS_KEY
from caikit.runtime.transport._builtin_calls import BuiltinCall, CountBuiltin

from ._call_stream import CallStream
from ._grpc_messages import Compressed, MessageReader, decompress, pack
from ._grpc_metadata import RESPONSE_BLOCK, write_request_id, write_status

if TYPE_CHECKING:
    from ._grpc_service import CallPlan

_LONGEST_QUESTION = 4096
_Response = health_pb2.HealthCheckResponse


class Health:
    """Tells whether the server serves: as a whole, and for each service by name."""

    def __init__(self, services: Iterable[str], count: CountBuiltin) -> None:
        self.count = count
        self._services = frozenset((*services, ""))
        self._status = _Response.SERVING
        self._watches: set[HealthWatch] = set()

    def methods(self) -> dict[str, Callable[[CallStream, CallPlan], HealthCall]]:
        return {
            HealthCheck.path: partial(HealthCheck, self),
            HealthWatch.path: partial(HealthWatch, self),
        }

    def find(self, service: str) -> Any:
        """The status of a service; None for one that is not known."""
        return self._status if service in self._services else None

    def watch(self, watch: HealthWatch) -> None:
        self._watches.add(watch)

    def forget(self, watch: HealthWatch) -> None:
        self._watches.discard(watch)

    def drain(self) -> None:
        """Say NOT_SERVING from now on."""
        self._status = _Response.NOT_SERVING
        for watch in list(self._watches):
            watch.tell()
            watch.stop()


class HealthCall:
    """One question about the health."""

    path: str
    shape: Shape

    def __init__(self, health: Health, stream: CallStream, plan: CallPlan) -> None:
        self._health = health
        self._stream = stream
        self._encoding = plan.encoding
        self._reader = MessageReader(encoding=plan.encoding, longest=_LONGEST_QUESTION)
        self._messages: list[bytes] = []
        self._service = ""
        self._since = time.monotonic()
        self._call = BuiltinCall(health.count, self.path, self.shape)

    def receive(self, data: bytes) -> None:
        try:
            self._messages += self._reader.feed(data)
            if len(self._messages) > 1:
                raise RequestError(Status.UNIMPLEMENTED, "Expected exactly one request message, got more")
        except RequestError as error:
            self._fail(error)

    def complete(self) -> None:
        if not self._messages:
            self._fail(RequestError(Status.UNIMPLEMENTED, "Expected exactly one request message, got none"))
            return
        message = self._messages[0]
        self._call.received = 1
        try:
            if isinstance(message, Compressed):
                message = decompress(message, encoding=self._encoding, longest=_LONGEST_QUESTION)
            self._service = health_pb2.HealthCheckRequest.FromString(message).service
        except RequestError as error:
            self._fail(error)
            return
        except DecodeError as error:
            self._fail(RequestError(Status.INVALID_ARGUMENT, f"The request is malformed: {error}"))
            return
        self.tell()

    def tell(self) -> None:
        raise NotImplementedError

    def leave(self) -> None:
        self._call.end(Status.CANCELLED)

    def resume(self) -> None:
        """The client reads again."""

    def stop(self) -> None:
        self._fail(RequestError(Status.UNAVAILABLE, "The server was stopped"))

    def check(self, now: float) -> None:
        limit = self._stream.connection.limits.read_seconds
        if not self._stream.remote_ended and limit is not None and now - self._since > limit:
            reason = f"no message came for {limit:g} seconds ({READ_SECONDS_KEY})"
            self._fail(RequestError(Status.DEADLINE_EXCEEDED, f"The request was given up: {reason}"))

    def _fail(self, error: RequestError) -> None:
        self._call.end(error.status)
        trailers = self._trailers(error.status, error.message)
        if self._stream.begun:
            self._stream.finish(trailers)
        else:
            self._stream.refuse(RESPONSE_BLOCK + trailers)

    def _trailers(self, status: Status, message: str = "") -> bytes:
        return write_status(status, message) + write_request_id(self._stream.choose_id())


class HealthCheck(HealthCall):
    """One answer."""

    path = "/grpc.health.v1.Health/Check"
    shape = Shape.UNARY

    def tell(self) -> None:
        status = self._health.find(self._service)
        if status is None:
            self._fail(RequestError(Status.NOT_FOUND, ""))
            return
        message = _Response(status=status).SerializeToString()
        self._call.sent = 1
        self._call.end(Status.OK)
        self._stream.answer(RESPONSE_BLOCK, pack(message), self._trailers(Status.OK))


class HealthWatch(HealthCall):
    """An answer now, and one after each change."""

    path = "/grpc.health.v1.Health/Watch"
    shape = Shape.SERVER_STREAM
    _unsent = False
    """There was a change when the client did not read."""

    def tell(self) -> None:
        self._health.watch(self)
        status = self._health.find(self._service)
        if status is None:
            status = _Response.SERVICE_UNKNOWN
        if not self._stream.begun:
            self._stream.start(RESPONSE_BLOCK)
        self._unsent = not self._stream.writable
        if not self._unsent:
            self._call.sent += 1
            self._stream.send(pack(_Response(status=status).SerializeToString()))

    def resume(self) -> None:
        if self._unsent:
            self.tell()

    def leave(self) -> None:
        self._health.forget(self)
        super().leave()

    def stop(self) -> None:
        self._health.forget(self)
        super().stop()
