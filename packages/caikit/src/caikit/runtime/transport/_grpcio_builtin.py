"""The services that every gRPC server of ours has: health and reflection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from caikit.runtime.engine import CancelToken, RequestError, Status
from caikit.runtime.engine.guard import Guard

from ._grpcio_access import find_refusal
from ._grpcio_calls import fail
from ._stall_watch import StallWatch

Request = TypeVar("Request")

_NOTICE_SECONDS = 0.5

# v1 has the messages of v1alpha under another service name.
_REFLECTION_SERVICES = ("grpc.reflection.v1alpha.ServerReflection", "grpc.reflection.v1.ServerReflection")


class Health:
    """Tells whether the server serves: as a whole, and for each service by name."""

    def __init__(self, services: Iterable[str], stalls: StallWatch) -> None:
        self._servicer = health.HealthServicer()
        self._stalls = stalls
        for service in services:
            self._servicer.set(service, health_pb2.HealthCheckResponse.SERVING)

    def drain(self) -> None:
        """Say NOT_SERVING from now on."""
        # Watchers are told one after another; one that does not read must not hold up the shutdown.
        notice = threading.Thread(target=self._servicer.enter_graceful_shutdown, daemon=True)
        notice.start()
        notice.join(_NOTICE_SECONDS)

    def handlers(self) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
        encode = health_pb2.HealthCheckResponse.SerializeToString

        def watch(
            messages: Iterator[bytes], servicer: grpc.ServicerContext, send: Callable[[Any], None]
        ) -> None:
            self._servicer.Watch(self._read(messages, servicer), servicer, send)

        # A mark of `grpcio`: the call goes on after its handler has returned, without a thread.
        watch.experimental_non_blocking = True  # type: ignore[attr-defined]  # functions take any attribute
        return {
            "/grpc.health.v1.Health/Check": grpc.stream_unary_rpc_method_handler(
                self._check, response_serializer=encode
            ),
            "/grpc.health.v1.Health/Watch": grpc.stream_stream_rpc_method_handler(
                watch, response_serializer=encode
            ),
        }

    def _check(self, messages: Iterator[bytes], servicer: grpc.ServicerContext) -> Any:
        return self._servicer.Check(self._read(messages, servicer), servicer)

    def _read(self, messages: Iterator[bytes], servicer: grpc.ServicerContext) -> Any:
        message = self._stalls.read_one(messages, servicer, CancelToken())
        if message is None:
            fail(
                servicer, RequestError(Status.UNIMPLEMENTED, "Expected exactly one request message, got none")
            )
        return _parse(health_pb2.HealthCheckRequest.FromString, message, servicer)


def reflection_handlers(
    services: Iterable[str], guard: Guard | None = None
) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
    """Reflection over the descriptors of the default pool, in both published versions."""
    servicer: Any = reflection.ReflectionServicer([*services, reflection.SERVICE_NAME])

    def answer(messages: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[Any]:
        refusal = None if guard is None else find_refusal(guard, context)
        if refusal is not None:
            fail(context, refusal)
        read = reflection_pb2.ServerReflectionRequest.FromString
        requests = (_parse(read, message, context) for message in messages)
        yield from servicer.ServerReflectionInfo(requests, context)

    handler = grpc.stream_stream_rpc_method_handler(
        answer, response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString
    )
    return {f"/{service}/ServerReflectionInfo": handler for service in _REFLECTION_SERVICES}


def _parse(read: Callable[[bytes], Request], message: bytes, servicer: grpc.ServicerContext) -> Request:
    try:
        return read(message)
    except DecodeError as error:
        fail(servicer, RequestError(Status.INVALID_ARGUMENT, f"The request is malformed: {error}"))
