"""Operations as gRPC methods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from caikit.core.data_model._codec import decode_given, encode_bytes
from caikit.runtime.engine import Body, Codec, Engine, Operation, RequestContext, Shape
from caikit.runtime.names import MODEL_MESH_MODEL_ID_KEY


class GrpcEndpoint:
    """One method: protobuf bytes in, protobuf bytes out."""

    __slots__ = ("_codec", "_engine", "_operation", "acknowledge", "path", "shape")

    def __init__(self, engine: Engine, operation: Operation) -> None:
        self.path = operation.grpc_path
        self.shape: Shape = operation.shape
        self.acknowledge = operation.acknowledge
        self._engine = engine
        self._operation = operation
        self._codec = _compile_codec(operation)

    def answer(self, context: RequestContext, body: Body) -> bytes:
        _prepare(context)
        return self._engine.run(self._operation, self._codec, context, body)

    def stream(self, context: RequestContext, body: Body) -> Iterator[bytes]:
        _prepare(context)
        return self._engine.run_stream(self._operation, self._codec, context, body)


def build_endpoints(engine: Engine, operations: Iterable[Operation]) -> dict[str, GrpcEndpoint]:
    """The methods that serve these operations, by path."""
    return {operation.grpc_path: GrpcEndpoint(engine, operation) for operation in operations}


def _prepare(context: RequestContext) -> None:
    context.model_id = context.headers.get(MODEL_MESH_MODEL_ID_KEY)
    context.omits_empty_lists = True


def _compile_codec(operation: Operation) -> Codec[bytes]:
    request = operation.request

    def decode(body: bytes, context: RequestContext) -> dict[str, Any]:
        return decode_given(request, body)

    return Codec(decode=decode, encode=encode_bytes)
