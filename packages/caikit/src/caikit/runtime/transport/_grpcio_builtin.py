"""The services that every gRPC server of ours has: health and reflection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from caikit.runtime.engine import CancelToken, Gate, RequestError, Shape, Status
from caikit.runtime.engine.guard import Guard

from ._builtin_calls import BuiltinCall, CountBuiltin
from ._grpcio_access import find_refusal
from ._grpcio_calls import end_waiting, fail, give_id, refuse
from ._stall_watch import StallWatch

Request = TypeVar("Request")

_NOTICE_SECONDS = 0.5

_CHECK = "/grpc.health.v1.Health/Check"
_WATCH = "/grpc.health.v1.Health/Watch"

# v1 has the messages of v1alpha under another service name.
_REFLECTION_SERVICES = ("grpc.reflection.v1alpha.ServerReflection", "grpc.reflection.v1.ServerReflection")


class Health:
    """Tells whether the server serves: as a whole, and for each service by name."""

    def __init__(self, services: Iterable[str], stalls: StallWatch, count: CountBuiltin) -> None:
        self._servicer = health.HealthServicer()
        self._stalls = stalls
        self._count = count
        self._watchers: dict[grpc.ServicerContext, Callable[[Any], None]] = {}
        for service in services:
            self._servicer.set(service, health_pb2.HealthCheckResponse.SERVING)

    def drain(self) -> None:
        """Say NOT_SERVING from now on."""
        # Watchers are told one after another; one that does not read must not hold up the shutdown.
        notice = threading.Thread(target=self._servicer.enter_graceful_shutdown, daemon=True)
        notice.start()
        notice.join(_NOTICE_SECONDS)

    def end(self) -> None:
        """Hold nobody up who watches still."""
        for servicer, send in list(self._watchers.items()):
            self._watchers.pop(servicer, None)
            end_waiting(servicer, send, RequestError(Status.UNAVAILABLE, "The server was stopped"))

    def handlers(self) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
        encode = health_pb2.HealthCheckResponse.SerializeToString

        def watch(
            messages: Iterator[bytes], servicer: grpc.ServicerContext, send: Callable[[Any], None]
        ) -> None:
            # It goes on until somebody goes away.
            call = _open(self._count, _WATCH, Shape.SERVER_STREAM, servicer, end=Status.CANCELLED)

            def send_counted(answer: Any) -> None:
                if answer is not None:
                    call.sent += 1
                    send(answer)

            def forget() -> None:
                self._watchers.pop(servicer, None)

            self._watchers[servicer] = send
            if not servicer.add_callback(forget):
                forget()
            self._servicer.Watch(self._read(messages, servicer, call), servicer, send_counted)

        # A mark of `grpcio`: the call goes on after its handler has returned, without a thread.
        watch.experimental_non_blocking = True  # type: ignore[attr-defined]  # functions take any attribute
        return {
            _CHECK: grpc.stream_unary_rpc_method_handler(self._check, response_serializer=encode),
            _WATCH: grpc.stream_stream_rpc_method_handler(watch, response_serializer=encode),
        }

    def _check(self, messages: Iterator[bytes], servicer: grpc.ServicerContext) -> Any:
        call = _open(self._count, _CHECK, Shape.UNARY, servicer, end=Status.OK)
        answer = self._servicer.Check(self._read(messages, servicer, call), servicer)
        # The message that comes with another status is not for the client.
        call.sent = int(_code(servicer) is None)
        return answer

    def _read(self, messages: Iterator[bytes], servicer: grpc.ServicerContext, call: BuiltinCall) -> Any:
        message = self._stalls.read_one(messages, servicer, CancelToken())
        if message is None:
            fail(
                servicer, RequestError(Status.UNIMPLEMENTED, "Expected exactly one request message, got none")
            )
        call.received = 1
        return _parse(health_pb2.HealthCheckRequest.FromString, message, servicer)


def reflection_handlers(
    services: Iterable[str], gate: Gate, count: CountBuiltin, guard: Guard | None = None
) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
    """Reflection over the descriptors of the default pool, in both published versions."""
    servicer: Any = reflection.ReflectionServicer([*services, reflection.SERVICE_NAME])

    def answer(path: str, messages: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[Any]:
        refusal = None if guard is None else find_refusal(guard, context)
        if refusal is not None:
            gate.note(refusal)
            refuse(context, refusal)
        call = _open(count, path, Shape.BIDI, context, end=Status.CANCELLED)
        for item in servicer.ServerReflectionInfo(_questions(messages, context, call), context):
            call.sent += 1
            yield item
        call.end(Status.OK)

    return {
        path: grpc.stream_stream_rpc_method_handler(
            partial(answer, path),
            response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
        )
        for path in (f"/{service}/ServerReflectionInfo" for service in _REFLECTION_SERVICES)
    }


def _questions(messages: Iterator[bytes], context: grpc.ServicerContext, call: BuiltinCall) -> Iterator[Any]:
    for message in messages:
        call.received += 1
        yield _parse(reflection_pb2.ServerReflectionRequest.FromString, message, context)


def _open(
    count: CountBuiltin, path: str, shape: Shape, servicer: grpc.ServicerContext, *, end: Status
) -> BuiltinCall:
    """Begin to count a call; `end` is its status when it has ended and nobody has said another."""
    give_id(servicer)
    call = BuiltinCall(count, path, shape)

    def ended() -> None:
        call.end(_code(servicer) or end)

    if not servicer.add_callback(ended):
        ended()
    return call


def _code(servicer: Any) -> Status | None:
    """The status that was said so far."""
    code = servicer.code()
    return None if code is None else Status[code.name]


def _parse(read: Callable[[bytes], Request], message: bytes, servicer: grpc.ServicerContext) -> Request:
    try:
        return read(message)
    except DecodeError as error:
        fail(servicer, RequestError(Status.INVALID_ARGUMENT, f"The request is malformed: {error}"))
