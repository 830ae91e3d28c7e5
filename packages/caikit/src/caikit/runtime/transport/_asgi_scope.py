"""Reads the scope of an ASGI request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

from caikit.runtime.engine import (
    REQUEST_ID_HEADER,
    TRACE_HEADER,
    RequestContext,
    choose_request_id,
    make_request_id,
)

from .http_messages import HttpRequest, read_headers

_HTTP_SCHEMES = {"ws": "http", "wss": "https"}
_HEADS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})
_REQUEST_ID = "caikit.request_id"
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
    scheme = _http_scheme(scope)
    request = HttpRequest(
        scope.get("method", "GET"), path, scope["query_string"], content_type, scheme, host, content_encoding
    )
    return request, length


def _http_scheme(scope: Message) -> str:
    scheme: str = scope["scheme"]
    return _HTTP_SCHEMES.get(scheme, scheme)


def make_context(scope: Message) -> RequestContext:
    return RequestContext(
        headers=partial(read_headers, scope["headers"]),
        native=partial(_make_native, scope),
        request_id=scope.get(_REQUEST_ID),
    )


def returning_id(scope: Message, send: Send) -> Send:
    """`send`, so that the client learns the id of its request."""
    headers = scope["headers"]
    asks = any(name in _ID_HEADERS for name, _ in headers)
    request_id = scope[_REQUEST_ID] = choose_request_id(read_headers(headers)) if asks else make_request_id()
    header = (_ID_HEADERS[0], request_id.encode())

    async def send_id(message: Message) -> None:
        if message["type"] in _HEADS:
            message["headers"] = [*message["headers"], header]
        await send(message)

    return send_id


def _make_native(scope: Message) -> Any:
    from starlette.requests import Request

    if scope["type"] == "websocket":
        # Modules expect the same class whatever brought their request.
        scope = {**scope, "type": "http", "method": "GET", "scheme": _http_scheme(scope)}
    return Request(scope)
