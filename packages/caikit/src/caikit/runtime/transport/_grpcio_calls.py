"""Adapts endpoints to the handler functions of `grpcio`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NoReturn, Protocol

import grpc

from caikit.runtime.engine import (
    REQUEST_ID_HEADER,
    Body,
    CancelToken,
    Gate,
    RequestContext,
    RequestError,
    Shape,
    Status,
    choose_request_id,
    to_failure,
)
from caikit.runtime.engine.byte_budget import COUNTED_BYTES
from caikit.runtime.engine.guard import Guard

from ._grpcio_access import find_refusal
from ._grpcio_context import LentContext
from ._stall_watch import StallWatch

_CODES = {status: grpc.StatusCode[status.name] for status in Status}
# A call without a deadline has one in the far future.
_NO_DEADLINE_SECONDS = 10 * 365 * 24 * 3600.0
# Non-ASCII bytes take three times the space, and clients accept 8 KiB of headers.
_LONGEST_DETAILS = 2000
_ACKNOWLEDGEMENT = (("acknowledgement", "ok"),)


class Endpoint(Protocol):
    """What a transport needs to know about a gRPC method."""

    @property
    def guard(self) -> Guard | None: ...

    @property
    def shape(self) -> Shape: ...

    @property
    def acknowledge(self) -> bool: ...

    def answer(self, context: RequestContext, body: Body) -> bytes: ...

    def stream(self, context: RequestContext, body: Body) -> Iterator[bytes]: ...


class Calls:
    """Makes the handlers of endpoints; bytes in, bytes out.

    To `grpcio` all methods have streamed input: for others it would wait for the message in a worker, without limit.
    """

    def __init__(
        self, stalls: StallWatch, find_refusal: Callable[[], RequestError | None], gate: Gate
    ) -> None:
        """`find_refusal` tells why the call that this thread serves is refused, if it is."""
        self._stalls = stalls
        self._gate = gate
        self._bytes_held = gate.bytes_held
        self._find_refusal = find_refusal

    def make_handler(self, endpoint: Endpoint) -> grpc.RpcMethodHandler[Any, Any]:
        match endpoint.shape:
            case Shape.UNARY:
                return grpc.stream_unary_rpc_method_handler(partial(self._answer, endpoint))
            case Shape.SERVER_STREAM:
                return grpc.stream_stream_rpc_method_handler(partial(self._stream, endpoint))
            case Shape.CLIENT_STREAM:
                return grpc.stream_unary_rpc_method_handler(partial(self._answer_stream, endpoint))
            case Shape.BIDI:
                return grpc.stream_stream_rpc_method_handler(partial(self._stream_stream, endpoint))

    def _answer(self, endpoint: Endpoint, messages: Iterator[bytes], servicer: grpc.ServicerContext) -> bytes:
        context = self._open(servicer, endpoint.guard)
        try:
            message = self._read_one(messages, servicer, context.cancel)
            if len(message) <= COUNTED_BYTES:
                return endpoint.answer(context, message)
            with self._bytes_held.open() as account:
                account.take(len(message))
                return endpoint.answer(context, message)
        except BaseException as error:
            # A call that its handler leaves without an answer would wait for ever.
            self._fail(servicer, error)
        finally:
            _keep_id(servicer, context)

    def _answer_stream(
        self, endpoint: Endpoint, messages: Iterator[bytes], servicer: grpc.ServicerContext
    ) -> bytes:
        context = self._open(servicer, endpoint.guard)
        try:
            return endpoint.answer(context, self._read(messages, servicer, context.cancel))
        except BaseException as error:
            self._fail(servicer, error)
        finally:
            _keep_id(servicer, context)

    def _stream(
        self, endpoint: Endpoint, messages: Iterator[bytes], servicer: grpc.ServicerContext
    ) -> Iterator[bytes]:
        context = self._open(servicer, endpoint.guard)
        try:
            with self._bytes_held.open() as account:
                body = self._read_one(messages, servicer, context.cancel)
                if len(body) > COUNTED_BYTES:
                    account.take(len(body))
                yield from self._stalls.write(endpoint.stream(context, body), servicer, context.cancel)
        except GeneratorExit:
            raise
        except BaseException as error:
            self._fail(servicer, error)
        finally:
            _keep_id(servicer, context)

    def _stream_stream(
        self, endpoint: Endpoint, messages: Iterator[bytes], servicer: grpc.ServicerContext
    ) -> Iterator[bytes]:
        context = self._open(servicer, endpoint.guard)
        if endpoint.acknowledge:
            servicer.send_initial_metadata(_ACKNOWLEDGEMENT)
        try:
            body = self._read(messages, servicer, context.cancel)
            yield from self._stalls.write(endpoint.stream(context, body), servicer, context.cancel)
        except GeneratorExit:
            raise
        except BaseException as error:
            self._fail(servicer, error)
        finally:
            _keep_id(servicer, context)

    def _fail(self, servicer: grpc.ServicerContext, error: BaseException) -> NoReturn:
        self._gate.note(error)
        fail(servicer, error)

    def _open(self, servicer: grpc.ServicerContext, guard: Guard | None) -> RequestContext:
        refusal = self._find_refusal()
        if refusal is None and guard is not None:
            refusal = find_refusal(guard, servicer)
            if refusal is not None:
                self._gate.note(refusal)
        if refusal is not None:
            refuse(servicer, refusal)
        return _open_context(servicer)

    def _read_one(
        self, messages: Iterator[bytes], servicer: grpc.ServicerContext, token: CancelToken
    ) -> bytes:
        try:
            message = self._stalls.read_one(messages, servicer, token)
        except grpc.RpcError:
            token.cancel()
            token.raise_if_cancelled()
            raise
        if message is None:
            raise RequestError(Status.UNIMPLEMENTED, "Expected exactly one request message, got none")
        return message

    def _read(
        self, messages: Iterator[bytes], servicer: grpc.ServicerContext, token: CancelToken
    ) -> Iterator[bytes]:
        try:
            yield from self._stalls.read(messages, servicer, token)
        except grpc.RpcError:
            # The call has ended, but `grpcio` may tell so a moment later.
            token.cancel()
            token.raise_if_cancelled()


def make_refusal(error: RequestError) -> grpc.RpcMethodHandler[Any, Any]:
    """A handler that ends any call at once, without waiting for its request."""

    def answer(messages: object, servicer: grpc.ServicerContext) -> Iterator[bytes]:
        refuse(servicer, error)

    return grpc.stream_stream_rpc_method_handler(answer)


def refuse(servicer: grpc.ServicerContext, error: RequestError) -> NoReturn:
    """End a call that is not served."""
    give_id(servicer)
    fail(servicer, error)


def give_id(servicer: grpc.ServicerContext) -> None:
    """Send the id of a call back, for which no context is made."""
    metadata: Any = servicer.invocation_metadata()
    servicer.set_trailing_metadata(((REQUEST_ID_HEADER, choose_request_id(dict(metadata))),))


def _open_context(servicer: grpc.ServicerContext) -> RequestContext:
    token = CancelToken()
    if not servicer.add_callback(partial(_end, servicer, token)):
        token.cancel()
    metadata: Any = servicer.invocation_metadata()
    context = RequestContext(
        headers=dict(metadata),
        cancel=token,
        deadline=_find_deadline(servicer.time_remaining()),
        native=partial(LentContext, servicer),
    )
    servicer.set_trailing_metadata(((REQUEST_ID_HEADER, context.request_id),))
    return context


def _keep_id(servicer: grpc.ServicerContext, context: RequestContext) -> None:
    """A model that sends metadata of its own replaces ours."""
    sent: Any = tuple(servicer.trailing_metadata() or ())
    pair = (REQUEST_ID_HEADER, context.request_id)
    if sent[-1:] != (pair,):
        servicer.set_trailing_metadata((*sent, pair))


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


def fail(servicer: grpc.ServicerContext, error: BaseException) -> NoReturn:
    """End a call with the status that stands for an error."""
    failure = to_failure(error)
    servicer.abort(_CODES[failure.status], _cut(failure.message))


def end_waiting(servicer: grpc.ServicerContext, send: Callable[[Any], object], error: RequestError) -> None:
    """End a call that goes on without a thread."""
    servicer.set_code(_CODES[error.status])
    servicer.set_details(_cut(error.message))
    send(None)


def _cut(details: str) -> str:
    """Details travel in a header, which may not be long, and must be UTF-8."""
    encoded = details.encode("utf-8", "replace")
    if len(encoded) <= _LONGEST_DETAILS:
        return encoded.decode()
    return encoded[:_LONGEST_DETAILS].decode("utf-8", "ignore") + "..."
