"""Operations as gRPC methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

from google.protobuf.message import DecodeError, Message

from caikit.core.data_model._codec import decode_given, encode_bytes
from caikit.runtime.engine import (
    Body,
    Codec,
    Engine,
    Kind,
    LoopRuns,
    Operation,
    RequestContext,
    RequestError,
    Shape,
    Status,
)
from caikit.runtime.engine.errors import OperationFailed
from caikit.runtime.engine.guard import Guard
from caikit.runtime.security import Authoriser

from ._model_id import find_model_id

HeldModels = Callable[[str | None], bool]

_MODEL_KINDS = (Kind.INFERENCE, Kind.JOB)


class GrpcEndpoint:
    """One method: protobuf bytes in, protobuf bytes out."""

    __slots__ = (
        "_codec",
        "_engine",
        "_held_models",
        "_operation",
        "acknowledge",
        "guard",
        "loop_runs",
        "path",
        "shape",
    )

    def __init__(
        self,
        engine: Engine,
        operation: Operation,
        *,
        held_models: HeldModels = lambda model_id: False,
        guard: Guard | None = None,
    ) -> None:
        self.guard = guard
        self.path = operation.grpc_path
        self.shape: Shape = operation.shape
        self.acknowledge = operation.acknowledge
        self._engine = engine
        self._operation = operation
        self._codec = _compile_codec(operation)
        self._held_models = held_models
        self.loop_runs = LoopRuns.of(operation, _model_id_of)

    def answer(self, context: RequestContext, body: Body) -> bytes:
        try:
            _prepare(context)
            return self._engine.run(self._operation, self._codec, context, body)
        except OperationFailed as error:
            self._fail(context, error)

    def stream(self, context: RequestContext, body: Body) -> Iterator[bytes]:
        try:
            _prepare(context)
            yield from self._engine.run_stream(self._operation, self._codec, context, body)
        except OperationFailed as error:
            self._fail(context, error)

    def _fail(self, context: RequestContext, error: OperationFailed) -> NoReturn:
        """NOT_FOUND tells a mesh that the model is lost; what else a model does not find is no reason to reload it."""
        if (
            error.failure.status is Status.NOT_FOUND
            and context.served is not None
            and self._operation.kind in _MODEL_KINDS
            and self._held_models(context.model_id)
        ):
            raise RequestError(
                Status.FAILED_PRECONDITION, error.failure.message, id=error.failure.id
            ) from error
        raise error


def build_endpoints(
    engine: Engine,
    operations: Iterable[Operation],
    *,
    held_models: HeldModels = lambda model_id: False,
    authoriser: Authoriser | None = None,
) -> dict[str, GrpcEndpoint]:
    """The methods that serve these operations, by path.

    `held_models` tells whether a model was put there by somebody who takes NOT_FOUND for its loss.
    """
    return {
        operation.grpc_path: GrpcEndpoint(
            engine,
            operation,
            held_models=held_models,
            guard=None if authoriser is None else authoriser.guard(operation),
        )
        for operation in operations
    }


def _model_id_of(context: RequestContext, body: bytes) -> str | None:
    try:
        return find_model_id(context.headers)
    except RequestError:
        return None


def _prepare(context: RequestContext) -> None:
    context.model_id = find_model_id(context.headers)
    context.omits_empty_lists = True


def _compile_codec(operation: Operation) -> Codec[bytes]:
    request: Any = operation.request
    if issubclass(request, Message):
        return Codec(decode=_message_decoder(request), encode=lambda message: message.SerializeToString())

    def decode(body: bytes, context: RequestContext) -> dict[str, Any]:
        return decode_given(request, body)

    return Codec(decode=decode, encode=encode_bytes)


def _message_decoder(message_class: Any) -> Callable[[bytes, RequestContext], Any]:
    """For services whose interfaces are protobuf's own: their work takes the message."""

    def decode(body: bytes, context: RequestContext) -> Any:
        try:
            return message_class.FromString(body)
        except DecodeError as error:
            raise RequestError(Status.INVALID_ARGUMENT, f"The request is malformed: {error}") from error

    return decode
