"""Reads the scope of an ASGI request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

from caikit.runtime.engine import REQUEST_ID_HEADER, TRACE_HEADER, RequestContext, find_request_id

from .http_messages import HttpRequest, read_headers

_ID_HEADERS = (REQUEST_ID_HEADER.encode(), TRACE_HEADER.encode())

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def read_scope(scope: Message) -> tuple[HttpRequest, int]:
    """The request and the announced length of its body."""
    content_type: bytes | None = None
    content_encoding: bytes | None = None
    length = 0
    host = b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            content_type = value
        elif name == b"content-length":
            # Twenty digits are too large already.
            length = int(value[:20]) if value.isdigit() else 0
        elif name == b"host":
            host = value
        elif name == b"content-encoding":
            content_encoding = value
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(root):
        path = path[len(root) :]
    request = HttpRequest(
        scope["method"], path, scope["query_string"], content_type, scope["scheme"], host, content_encoding
    )
    return request, length


def make_context(scope: Message) -> RequestContext:
    return RequestContext(
        headers=partial(read_headers, scope["headers"]),
        native=partial(_make_native, scope),
    )


def returning_id(scope: Message, send: Send) -> Send:
    """`send`, so that the id that the client gave the request goes back to it."""
    if not any(name in _ID_HEADERS for name, _ in scope["headers"]):
        return send
    given = find_request_id(read_headers(scope["headers"]))
    if given is None:
        return send
    header = (_ID_HEADERS[0], given.encode())

    async def send_id(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], header]
        await send(message)

    return send_id


def _make_native(scope: Message) -> Any:
    from starlette.requests import Request

    return Request(scope)
