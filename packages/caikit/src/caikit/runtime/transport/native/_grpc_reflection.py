"""Reflection over the descriptors of the default pool, in both published versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.message import DecodeError
from grpc_reflection.v1alpha import reflection, reflection_pb2

from caikit.runtime.engine import Body, RequestContext, RequestError, Shape, Status
from caikit.runtime.engine.guard import Guard

# v1 has the messages of v1alpha under another service name.
_SERVICES = ("grpc.reflection.v1alpha.ServerReflection", "grpc.reflection.v1.ServerReflection")


class ReflectionEndpoint:
    """Answers each question as it comes."""

    shape = Shape.BIDI
    acknowledge = False

    def __init__(self, services: Iterable[str], guard: Guard | None) -> None:
        self.guard = guard
        self._servicer: Any = reflection.ReflectionServicer([*services, reflection.SERVICE_NAME])

    def answer(self, context: RequestContext, body: Body) -> bytes:
        raise RequestError(Status.UNIMPLEMENTED, "Reflection is a stream")

    def stream(self, context: RequestContext, body: Body) -> Iterator[bytes]:
        questions = (_parse(message) for message in body if isinstance(message, bytes))
        for answer in self._servicer.ServerReflectionInfo(questions, context.native):
            yield answer.SerializeToString()


def reflection_endpoints(services: Iterable[str], guard: Guard | None) -> dict[str, ReflectionEndpoint]:
    endpoint = ReflectionEndpoint(services, guard)
    return {f"/{service}/ServerReflectionInfo": endpoint for service in _SERVICES}


def _parse(message: bytes) -> Any:
    try:
        return reflection_pb2.ServerReflectionRequest.FromString(message)
    except DecodeError as error:
        raise RequestError(Status.INVALID_ARGUMENT, f"The request is malformed: {error}") from error
