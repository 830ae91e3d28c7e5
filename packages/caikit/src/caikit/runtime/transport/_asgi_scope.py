"""Reads the scope of an ASGI request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

from caikit.runtime.engine import RequestContext

from .http_messages import HttpRequest, read_headers

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


def _make_native(scope: Message) -> Any:
    from starlette.requests import Request

    return Request(scope)
