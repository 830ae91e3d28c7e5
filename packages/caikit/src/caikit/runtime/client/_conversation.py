"""Calls over HTTP with streams in both directions: messages of a WebSocket."""

from __future__ import annotations

import contextlib
import json
import ssl
import time
from collections.abc import Iterator

from caikit.runtime.engine import Uninterrupted, end_early

from ._connections import Connection
from ._dialling import dial
from ._errors import from_answer, from_failed_connection, from_timeout, remote_error
from ._http_calls import REDIRECTS, HttpCall, Patience, next_try, redirected, too_large
from ._sender import Sender
from ._websocket import RefusedError, WebSocket

_COMPLETE = 1000
_CUT = 1006
_FIRST_ERROR = 4000
# Other ends, such as a restart, may go away by themselves.
_STATUSES = {
    1002: "INTERNAL",
    1003: "INTERNAL",
    1007: "INTERNAL",
    1009: "RESOURCE_EXHAUSTED",
    1011: "INTERNAL",
    1013: "RESOURCE_EXHAUSTED",
}


def stream_messages(
    connection: Connection, call: HttpCall, lines: Iterator[bytes], patience: Patience
) -> Iterator[bytes]:
    """Each message as it arrives; closing the iterator ends the call."""
    with contextlib.ExitStack() as stack:
        with Uninterrupted():
            socket = stack.enter_context(contextlib.closing(_open(connection, call, patience)))
            sender = Sender(
                socket.wire, lines, lambda line: socket.frame(line.decode()), lambda: socket.frame("")
            )
        messages = _messages(socket, call, patience)
        try:
            while True:
                with Uninterrupted():
                    end_early(socket.wire.abort)
                    received = next(messages, None)
                if received is None:
                    return
                yield received
        except OSError as problem:
            if sender.failure is not None:
                raise sender.failure from None
            if isinstance(problem, TimeoutError):
                raise from_timeout(call.target, patience.deadline.seconds) from problem
            message = f"{call.target} ended the stream before it was complete: {problem}"
            raise remote_error("UNAVAILABLE", message) from problem


def _open(connection: Connection, call: HttpCall, patience: Patience) -> WebSocket:
    """The handshake, which is repeated like any other request: nothing has been sent yet."""
    from urllib3 import HTTPResponse

    retry = patience.retry
    while True:
        socket = WebSocket(dial(connection, call, patience))
        answer, failed = None, None
        end_early(socket.wire.abort)
        try:
            socket.open(connection, call)
            return socket
        except RefusedError as refusal:
            socket.wire.close()
            if refusal.status in REDIRECTS:
                raise redirected(call, refusal.headers.get("location")) from None
            problem: Exception = from_answer(refusal.status, refusal.body)
            if refusal.status not in (retry.status_forcelist or ()):
                raise problem from None
            answer = HTTPResponse(status=refusal.status, headers=refusal.headers)
        except OSError as cause:
            socket.wire.close()
            if isinstance(cause, TimeoutError):
                raise from_timeout(call.target, patience.deadline.seconds) from cause
            failed, problem = cause, from_failed_connection(call.target, cause)
            problem.__cause__ = cause
        except BaseException:
            socket.wire.close()
            raise
        left, pause = (
            (None, 0.0) if isinstance(failed, ssl.SSLError) else next_try(retry, call, answer, failed)
        )
        if left is None or not patience.deadline.allows(pause):
            raise problem
        retry = left
        time.sleep(pause)


def _messages(socket: WebSocket, call: HttpCall, patience: Patience) -> Iterator[bytes]:
    from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

    parts: list[str] = []
    size = 0
    # What looks like an error is one only if the server closes with it.
    held: bytes | None = None
    while True:
        match socket.next_event():
            case TextMessage(data=text, message_finished=finished):
                parts.append(text)
                size += len(text)
                if size > patience.most_bytes:
                    raise too_large(patience.most_bytes)
                if not finished:
                    continue
                message = "".join(parts).encode()
                parts, size = [], 0
                if held is not None:
                    yield held
                    held = None
                if _may_be_error(message):
                    held = message
                else:
                    yield message
            case CloseConnection() as event:
                socket.reply(event.response())
                if event.code == _COMPLETE:
                    if held is not None:
                        yield held
                    return
                raise _ending(call, event.code, event.reason or "", held)
            case Ping() as event:
                socket.reply(event.response())
            case BytesMessage():
                raise remote_error("INTERNAL", f"expected text from {call.target}{call.path}, got bytes")


def _ending(call: HttpCall, code: int, reason: str, last: bytes | None) -> Exception:
    if code >= _FIRST_ERROR:
        return from_answer(code - _FIRST_ERROR, reason.encode() if last is None else last)
    if code == _CUT:
        return ConnectionResetError("the connection was cut")
    text = f"{call.target} ended the stream before it was complete: {code} {reason}".rstrip()
    return remote_error(_STATUSES.get(code, "UNAVAILABLE"), text)


def _may_be_error(message: bytes) -> bool:
    if b'"detail' not in message:
        return False
    try:
        content = json.loads(message)
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and (
        content.keys() == {"detail"} or content.keys() >= {"details", "code"}
    )
