"""The calls of remote models over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from caikit.core.data_model import DataObjectBase, DataStream
from caikit.runtime.engine import Shape

from ._conversation import stream_messages
from ._deadline import Deadline
from ._errors import remote_error, unreadable
from ._http_body import inference_body, inference_lines, training_body
from ._http_calls import MOST_BYTES, Answer, HttpCall, Patience, exchange, stream_events
from ._upload import upload

if TYPE_CHECKING:
    import requests

    from caikit.interfaces.common.data_model import ConnectionInfo

    from ._plans import CallPlan, Given
    from .remote_module_base import RemoteModuleBase

_JSON = "application/json"
_LINES = "application/x-ndjson"


def make_session(info: ConnectionInfo) -> requests.Session:
    """Sends everything once: what is sent again, and for how long, is decided call by call."""
    from .utils import construct_requests_session

    return construct_requests_session(info.options, info.tls, info.timeout)


def make_patience(info: ConnectionInfo, seconds: float | None = None) -> Patience:
    """The patience for one call, which begins now."""
    from .utils import construct_retry

    options: dict[str, Any] = info.options or {}
    return Patience(
        Deadline(seconds or info.timeout),
        construct_retry(info.retries or 0, info.retry_options),
        int(options.get("max_response_bytes", MOST_BYTES)),
    )


def request(model: RemoteModuleBase, plan: CallPlan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    match plan.shape:
        case Shape.UNARY:
            call = _call(model, plan, plan.request_of(args, kwargs))
            return _read(plan, exchange(model._use_connection(), call, make_patience(model._connection)))
        case Shape.SERVER_STREAM:
            return DataStream(_events, model, plan, _call(model, plan, plan.request_of(args, kwargs)))
        case Shape.CLIENT_STREAM:
            lines = _source(model, plan, plan.bind(args, kwargs))()
            call, patience = _stream_call(model, plan), make_patience(model._connection)
            return _read(plan, upload(model._use_connection(), call, lines, patience))
        case Shape.BIDI:
            return DataStream(_conversation, model, plan, _source(model, plan, plan.bind(args, kwargs)))


def manage(
    model: RemoteModuleBase, request: DataObjectBase, response: type[DataObjectBase], method: str, path: str
) -> DataObjectBase:
    call = HttpCall(
        method=method,
        target=model._get_remote_target(),
        path=path,
        query={name: str(value) for name, value in request.to_kwargs().items()},
        headers=dict(model._credentials.pairs()),
    )
    answer = exchange(model._use_connection(), call, make_patience(model._connection))
    try:
        return response.from_json(answer.content.decode(), ignore_unknown_fields=True)
    except Exception as problem:
        raise unreadable(f"{method} {path}", response, problem) from problem


def _call(model: RemoteModuleBase, plan: CallPlan, message: DataObjectBase) -> HttpCall:
    body = (
        training_body(message)
        if plan.is_training
        else inference_body(message, plan.method.task_parameters, model._model_name)
    )
    return HttpCall(
        method="POST",
        target=model._get_remote_target(),
        path=quote(plan.http_path),
        body=body,
        headers=_headers(model, plan, _JSON),
        # Two trainings would start.
        repeatable=not plan.is_training,
    )


def _stream_call(model: RemoteModuleBase, plan: CallPlan) -> HttpCall:
    """A call whose body is a stream: a POST, or a WebSocket if the answer is a stream, too."""
    bidi = plan.shape is Shape.BIDI
    return HttpCall(
        method="GET" if bidi else "POST",
        target=model._get_remote_target(),
        path=quote(plan.http_path),
        headers=dict(model._credentials.pairs()) if bidi else _headers(model, plan, _LINES),
    )


def _headers(model: RemoteModuleBase, plan: CallPlan, content_type: str) -> dict[str, str]:
    headers = {**dict(model._credentials.pairs()), "content-type": content_type}
    if not plan.shape.output_streaming and not plan.response.supports_file_operations:
        headers["accept"] = _JSON
    return headers


def _source(model: RemoteModuleBase, plan: CallPlan, given: Given) -> Callable[[], Iterator[bytes]]:
    # Where the task is not known, streams are what looks like one.
    names = plan.streams(given) if plan.method.task_parameters else model._get_streaming_arguments(**given)
    return partial(_lines, model, plan, given, names)


def _lines(model: RemoteModuleBase, plan: CallPlan, given: Given, streaming: list[str]) -> Iterator[bytes]:
    messages = plan.build_stream(given, streaming, repeat=False)
    return inference_lines(messages, plan.method.task_parameters, model._model_name)


def _events(model: RemoteModuleBase, plan: CallPlan, call: HttpCall) -> Iterator[Any]:
    """One request: each pass over the stream makes a new one."""
    connection = model._use_connection()
    for data in stream_events(connection, call, make_patience(model._connection)):
        yield plan.decode_json(data)


def _conversation(
    model: RemoteModuleBase, plan: CallPlan, lines: Callable[[], Iterator[bytes]]
) -> Iterator[Any]:
    """One WebSocket: each pass over the stream makes a new one."""
    connection = model._use_connection()
    call, patience = _stream_call(model, plan), make_patience(model._connection)
    for data in stream_messages(connection, call, lines(), patience):
        yield plan.decode_json(data)


def _read(plan: CallPlan, answer: Answer) -> Any:
    if plan.response.supports_file_operations:
        return plan.decode_file(BytesIO(answer.content))
    if answer.media_type != _JSON:
        found = answer.media_type or "nothing"
        hint = ""
        if plan.response.to_file is not DataObjectBase.to_file:
            hint = f": {plan.response.__name__} comes as a file and has no from_file, use protocol grpc"
        raise remote_error("INTERNAL", f"expected {_JSON} from {plan.http_path}, got {found}{hint}")
    return plan.decode_json(answer.content)
