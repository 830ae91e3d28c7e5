"""Calls over gRPC: bytes in, bytes out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from caikit.runtime.engine import Shape, Uninterrupted, can_be_aborted, end_early

from ._connections import Connection
from ._credentials import Pairs
from ._errors import from_rpc

_METHODS = {
    Shape.UNARY: "unary_unary",
    Shape.SERVER_STREAM: "unary_stream",
    Shape.CLIENT_STREAM: "stream_unary",
    Shape.BIDI: "stream_stream",
}
_FAILED = "Error received from GRPC request"
_FAILED_STREAM = "Error received while streaming GRPC result"


class Messages:
    """The messages of a request stream; a failure of their source ends the call."""

    def __init__(self, messages: Iterator[bytes]) -> None:
        self._messages = messages
        self._call: Any = None
        self._started = threading.Event()
        self.failure: BaseException | None = None

    def start(self, call: Any) -> None:
        self._call = call
        self._started.set()

    def __iter__(self) -> Messages:
        return self

    def __next__(self) -> bytes:
        self._started.wait()
        try:
            return next(self._messages)
        except StopIteration:
            raise
        except BaseException as problem:
            self.failure = problem
            self._call.cancel()
            raise StopIteration from None


def call_unary(
    connection: Connection, path: str, message: bytes, metadata: Pairs, timeout: float | None
) -> bytes:
    import grpc

    method = _method(connection, path, Shape.UNARY)
    answer: bytes
    try:
        if can_be_aborted():
            with Uninterrupted():
                call = method.future(message, metadata=metadata, timeout=timeout)
                end_early(call.cancel)
                answer = call.result()
        else:
            answer = method(message, metadata=metadata, timeout=timeout)
    except grpc.RpcError as problem:
        raise from_rpc(problem, _FAILED) from problem
    return answer


def call_with_stream(
    connection: Connection, path: str, messages: Iterator[bytes], metadata: Pairs, timeout: float | None
) -> bytes:
    import grpc

    sent = Messages(messages)
    with Uninterrupted():
        call = _method(connection, path, Shape.CLIENT_STREAM).future(sent, metadata=metadata, timeout=timeout)
        end_early(call.cancel)
        sent.start(call)
        try:
            answer: bytes = call.result()
        except (grpc.RpcError, grpc.FutureCancelledError) as problem:
            if sent.failure is not None:
                raise sent.failure from None
            raise from_rpc(call, _FAILED) from problem
        finally:
            call.cancel()
        return answer


def stream_answers(
    connection: Connection,
    path: str,
    shape: Shape,
    request: bytes | Callable[[], Iterator[bytes]],
    metadata: Pairs,
    timeout: float | None,
) -> Iterator[bytes]:
    """The call starts with the first answer that is asked for; closing the iterator ends it."""
    import grpc

    sent = None if isinstance(request, bytes) else Messages(request())
    outgoing = request if sent is None else sent
    with Uninterrupted():
        call = _method(connection, path, shape)(outgoing, metadata=metadata, timeout=timeout)
        end_early(call.cancel)
        if sent is not None:
            sent.start(call)
    try:
        while True:
            with Uninterrupted():
                end_early(call.cancel)
                answer = next(call, None)
            if answer is None:
                return
            yield answer
    except grpc.RpcError as problem:
        if sent is not None and sent.failure is not None:
            raise sent.failure from None
        raise from_rpc(problem, _FAILED_STREAM) from problem
    finally:
        with Uninterrupted():
            call.cancel()


def _method(connection: Connection, path: str, shape: Shape) -> Any:
    method = connection.calls.get(path)
    if method is None:
        method = connection.calls[path] = getattr(connection.resource, _METHODS[shape])(path)
    return method
