"""Adapts endpoints to the handler functions of `grpcio`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any, NoReturn, Protocol

import grpc

from caikit.runtime.engine import Body, CancelToken, RequestContext, RequestError, Shape, Status, to_failure

_CODES = {status: grpc.StatusCode[status.name] for status in Status}
# A call without a deadline has one in the far future.
_NO_DEADLINE_SECONDS = 10 * 365 * 24 * 3600.0
# Non-ASCII bytes take three times the space, and clients accept 8 KiB of headers.
_LONGEST_DETAILS = 2000
_ACKNOWLEDGEMENT = (("acknowledgement", "ok"),)


class Endpoint(Protocol):
    """What a transport needs to know about a gRPC method."""

    @property
    def shape(self) -> Shape: ...

    @property
    def acknowledge(self) -> bool: ...

    def answer(self, context: RequestContext, body: Body) -> bytes: ...

    def stream(self, context: RequestContext, body: Body) -> Iterator[bytes]: ...


def make_handler(endpoint: Endpoint) -> grpc.RpcMethodHandler[Any, Any]:
    """The `grpcio` handler of an endpoint; bytes in, bytes out."""
    match endpoint.shape:
        case Shape.UNARY:
            return grpc.unary_unary_rpc_method_handler(partial(_answer, endpoint))
        case Shape.SERVER_STREAM:
            return grpc.unary_stream_rpc_method_handler(partial(_stream, endpoint))
        case Shape.CLIENT_STREAM:
            return grpc.stream_unary_rpc_method_handler(partial(_answer_stream, endpoint))
        case Shape.BIDI:
            return grpc.stream_stream_rpc_method_handler(partial(_stream_stream, endpoint))


def make_refusal(error: RequestError) -> grpc.RpcMethodHandler[Any, Any]:
    """A handler that ends any call at once, without waiting for its request."""

    def refuse(messages: object, servicer: grpc.ServicerContext) -> Iterator[bytes]:
        _fail(servicer, error)

    return grpc.stream_stream_rpc_method_handler(refuse)


def _answer(endpoint: Endpoint, body: bytes, servicer: grpc.ServicerContext) -> bytes:
    try:
        return endpoint.answer(_open_context(servicer), body)
    except Exception as error:
        _fail(servicer, error)


def _answer_stream(endpoint: Endpoint, messages: Iterator[bytes], servicer: grpc.ServicerContext) -> bytes:
    context = _open_context(servicer)
    try:
        return endpoint.answer(context, _read(messages, context.cancel))
    except Exception as error:
        _fail(servicer, error)


def _stream(endpoint: Endpoint, body: bytes, servicer: grpc.ServicerContext) -> Iterator[bytes]:
    try:
        yield from endpoint.stream(_open_context(servicer), body)
    except Exception as error:
        _fail(servicer, error)


def _stream_stream(
    endpoint: Endpoint, messages: Iterator[bytes], servicer: grpc.ServicerContext
) -> Iterator[bytes]:
    if endpoint.acknowledge:
        servicer.send_initial_metadata(_ACKNOWLEDGEMENT)
    context = _open_context(servicer)
    try:
        yield from endpoint.stream(context, _read(messages, context.cancel))
    except Exception as error:
        _fail(servicer, error)


def _open_context(servicer: grpc.ServicerContext) -> RequestContext:
    token = CancelToken()
    if not servicer.add_callback(partial(_end, servicer, token)):
        token.cancel()
    metadata: Any = servicer.invocation_metadata()
    return RequestContext(
        headers=dict(metadata),
        cancel=token,
        deadline=_find_deadline(servicer.time_remaining()),
        native=lambda: servicer,
    )


def _find_deadline(remaining: float | None) -> float | None:
    if remaining is None or remaining > _NO_DEADLINE_SECONDS:
        return None
    return time.monotonic() + remaining


def _end(servicer: grpc.ServicerContext, token: CancelToken) -> None:
    """Called when a call has ended, be it well or badly."""
    remaining = servicer.time_remaining()
    if remaining is not None and remaining <= 0:
        token.cancel("not finished before its deadline", Status.DEADLINE_EXCEEDED)
    else:
        token.cancel()


def _read(messages: Iterator[bytes], token: CancelToken) -> Iterator[bytes]:
    try:
        yield from messages
    except grpc.RpcError:
        # The call has ended, but `grpcio` may tell so a moment later.
        token.cancel()
        token.raise_if_cancelled()


def _fail(servicer: grpc.ServicerContext, error: Exception) -> NoReturn:
    failure = to_failure(error)
    servicer.abort(_CODES[failure.status], _cut(failure.message))


def _cut(details: str) -> str:
    """Details travel in a header, which may not be long, and must be UTF-8."""
    encoded = details.encode("utf-8", "replace")
    if len(encoded) <= _LONGEST_DETAILS:
        return encoded.decode()
    return encoded[:_LONGEST_DETAILS].decode("utf-8", "ignore") + "..."
