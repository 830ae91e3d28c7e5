"""The calls of remote models over gRPC."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from caikit.core.data_model import DataObjectBase, DataStream
from caikit.runtime.engine import Shape
from caikit.runtime.names import ServiceType, get_grpc_route_name
from caikit.runtime.trace._outgoing import outgoing_pairs

from ._errors import unreadable
from ._grpc_calls import call_unary, call_with_stream, stream_answers

if TYPE_CHECKING:
    import grpc

    from caikit.interfaces.common.data_model import ConnectionInfo

    from ._credentials import Pairs
    from ._plans import CallPlan, Given
    from .remote_module_base import RemoteModuleBase


def make_channel(target: str, info: ConnectionInfo) -> grpc.Channel:
    from .utils import construct_grpc_channel

    options: dict[str, Any] = {**(info.options or {})}
    if info.max_session_age >= 0:
        # Else a new channel would take over the connection of the old one.
        options.setdefault("grpc.use_local_subchannel_pool", 1)
    return construct_grpc_channel(target, options, info.tls, info.retries, info.retry_options)


def request(model: RemoteModuleBase, plan: CallPlan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    match plan.shape:
        case Shape.UNARY:
            message = plan.encode(plan.request_of(args, kwargs))
            connection = model._use_connection()
            return plan.decode(
                call_unary(connection, plan.grpc_path, message, _metadata(model), _timeout(model))
            )
        case Shape.CLIENT_STREAM:
            messages = _source(model, plan, plan.bind(args, kwargs))()
            connection = model._use_connection()
            return plan.decode(
                call_with_stream(connection, plan.grpc_path, messages, _metadata(model), _timeout(model))
            )
        case Shape.SERVER_STREAM:
            return DataStream(_answers, model, plan, plan.encode(plan.request_of(args, kwargs)))
        case Shape.BIDI:
            return DataStream(_answers, model, plan, _source(model, plan, plan.bind(args, kwargs)))


def manage(
    model: RemoteModuleBase, rpc_name: str, request: DataObjectBase, response: type[DataObjectBase]
) -> DataObjectBase:
    path = get_grpc_route_name(ServiceType.TRAINING_MANAGEMENT, rpc_name)
    metadata, message = model._credentials.pairs(), request.to_binary_buffer()
    answer = call_unary(model._use_connection(), path, message, metadata, _timeout(model))
    try:
        return response.from_binary_buffer(answer)
    except Exception as problem:
        raise unreadable(rpc_name, response, problem) from problem


def _answers(
    model: RemoteModuleBase, plan: CallPlan, request: bytes | Callable[[], Iterator[bytes]]
) -> Iterator[Any]:
    """One call: each pass over the stream makes a new one."""
    connection = model._use_connection()
    for answer in stream_answers(
        connection, plan.grpc_path, plan.shape, request, _metadata(model), _timeout(model)
    ):
        yield plan.decode(answer)


def _source(model: RemoteModuleBase, plan: CallPlan, given: Given) -> Callable[[], Iterator[bytes]]:
    # Where the task is not known, streams are what looks like one.
    names = plan.streams(given) if plan.method.task_parameters else model._get_streaming_arguments(**given)
    return partial(_messages, plan, given, names)


def _messages(plan: CallPlan, given: Given, streaming: list[str]) -> Iterator[bytes]:
    for message in plan.build_stream(given, streaming):
        yield plan.encode(message)


def _metadata(model: RemoteModuleBase) -> Pairs:
    return (*model._credentials.pairs(), *outgoing_pairs(), (model._model_key, model._model_name))


def _timeout(model: RemoteModuleBase) -> float | None:
    return model._connection.timeout or None
