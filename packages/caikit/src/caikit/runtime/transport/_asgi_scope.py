"""Reads the scope of an ASGI request, and watches its connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

from caikit.runtime.engine import RequestContext

from .http_messages import HttpRequest, read_headers

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# A short call is over before its client can leave; the watch over the connection is only worth it after that.
_WATCH_AFTER_SECONDS = 0.01


class Watch:
    """Calls back when the client leaves before the answer is complete."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, receive: Receive, on_leave: Callable[[], object]
    ) -> None:
        self._loop = loop
        self._receive = receive
        self._on_leave = on_leave
        self._task: asyncio.Task[None] | None = None
        self._timer = loop.call_later(_WATCH_AFTER_SECONDS, self._start)

    def stop(self) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _start(self) -> None:
        self._task = self._loop.create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._on_leave()


def read_scope(scope: Message) -> tuple[HttpRequest, int]:
    """The request and the announced length of its body."""
    content_type: bytes | None = None
    length = 0
    host = b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            content_type = value
        elif name == b"content-length":
            length = int(value) if value.isdigit() else 0
        elif name == b"host":
            host = value
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(root):
        path = path[len(root) :]
    request = HttpRequest(
        scope["method"], path, scope["query_string"], content_type, scope["scheme"], host.decode("latin-1")
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
