"""Reflection over the descriptors of the default pool, in both published versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from google.protobuf.message import DecodeError

from caikit.runtime.engine import Body, RequestContext, RequestError, Shape, Status, to_failure
from caikit.runtime.engine.guard import Guard
from caikit.runtime.transport._builtin_calls import BuiltinCall, CountBuiltin

# v1 has the messages of v1alpha under another service name.
_SERVICES = ("grpc.reflection.v1alpha.ServerReflection", "grpc.reflection.v1.ServerReflection")


class ReflectionEndpoint:
    """Answers each question as it comes."""

    shape = Shape.BIDI
    acknowledge = False
    loop_runs = None

    def __init__(
        self, path: str, find_servicer: Callable[[], Any], count: CountBuiltin, guard: Guard | None
    ) -> None:
        self.guard = guard
        self._path = path
        self._find_servicer = find_servicer
        self._count = count

    def answer(self, context: RequestContext, body: Body) -> bytes:
        raise RequestError(Status.UNIMPLEMENTED, "Reflection is a stream")

    def stream(self, context: RequestContext, body: Body) -> Iterator[bytes]:
        call = BuiltinCall(self._count, self._path, self.shape)
        try:
            for answer in self._find_servicer().ServerReflectionInfo(_questions(body, call), context.native):
                call.sent += 1
                yield answer.SerializeToString()
        except GeneratorExit:
            call.end(Status.CANCELLED)
            raise
        except BaseException as error:
            call.end(to_failure(error).status)
            raise
        call.end(Status.OK)


def reflection_endpoints(
    services: Iterable[str], count: CountBuiltin, guard: Guard | None
) -> dict[str, ReflectionEndpoint]:
    @cache
    def find_servicer() -> Any:
        # It needs all of `grpcio`, which takes more memory than the server.
        from grpc_reflection.v1alpha import reflection

        servicer: Any = reflection.ReflectionServicer([*services, reflection.SERVICE_NAME])
        return servicer

    paths = (f"/{service}/ServerReflectionInfo" for service in _SERVICES)
    return {path: ReflectionEndpoint(path, find_servicer, count, guard) for path in paths}


def _questions(body: Body, call: BuiltinCall) -> Iterator[Any]:
    for message in body:
        if isinstance(message, bytes):
            call.received += 1
            yield _parse(message)


def _parse(message: bytes) -> Any:
    from grpc_reflection.v1alpha import reflection_pb2

    try:
        return reflection_pb2.ServerReflectionRequest.FromString(message)
    except DecodeError as error:
        raise RequestError(Status.INVALID_ARGUMENT, f"The request is malformed: {error}") from error
