"""Calls over HTTP whose body is a stream of lines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any, cast

from caikit.runtime.engine import Uninterrupted, end_early

from ._connections import Connection
from ._dialling import dial, headers_of, host_of
from ._errors import from_answer, from_failed_connection, from_timeout
from ._http_calls import (
    MOST_ERROR_BYTES,
    REDIRECTS,
    Answer,
    HttpCall,
    Patience,
    media_type,
    redirected,
    too_large,
)
from ._sender import Sender
from ._wire import Wire

_PIECE = 1 << 16
_LAST_CHUNK = b"0\r\n\r\n"


def upload(connection: Connection, call: HttpCall, lines: Iterator[bytes], patience: Patience) -> Answer:
    """The answer to a body of lines; an answer that comes before the last line ends the body."""
    with Uninterrupted(), contextlib.closing(dial(connection, call, patience)) as wire:
        end_early(wire.abort)
        sender: Sender | None = None
        try:
            wire.sendall(_head(connection, call))
            sender = Sender(wire, lines, _chunk, lambda: _LAST_CHUNK)
            return _read_answer(wire, call, patience)
        except (OSError, HTTPException, ValueError) as problem:
            if sender is not None and sender.failure is not None:
                raise sender.failure from None
            if isinstance(problem, TimeoutError):
                raise from_timeout(call.target, patience.deadline.seconds) from problem
            raise from_failed_connection(call.target, problem) from problem


def _head(connection: Connection, call: HttpCall) -> bytes:
    headers = {
        "host": host_of(call.target),
        **headers_of(connection, call),
        "accept-encoding": "identity",
        "connection": "close",
        "transfer-encoding": "chunked",
    }
    lines = [f"{call.method} {call.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")


def _chunk(line: bytes) -> bytes:
    return b"%x\r\n%b\n\r\n" % (len(line) + 1, line)


def _read_answer(wire: Wire, call: HttpCall, patience: Patience) -> Answer:
    # It asks for a file to read from, and nothing else.
    response = HTTPResponse(cast("Any", wire), method=call.method)
    response.begin()
    if response.status in REDIRECTS:
        raise redirected(call, response.getheader("location"))
    if response.status != 200:
        raise from_answer(response.status, b"".join(_pieces(response, MOST_ERROR_BYTES)))
    content, size = [], 0
    for piece in _pieces(response, patience.most_bytes + 1):
        content.append(piece)
        size += len(piece)
    if size > patience.most_bytes:
        raise too_large(patience.most_bytes)
    return Answer(b"".join(content), media_type(response.getheader("content-type")))


def _pieces(response: HTTPResponse, most: int) -> Iterator[bytes]:
    while most > 0 and (piece := response.read(min(_PIECE, most))):
        most -= len(piece)
        yield piece
    if most > 0 and response.length:
        # The library tells it for answers in chunks only.
        raise IncompleteRead(b"", response.length)
