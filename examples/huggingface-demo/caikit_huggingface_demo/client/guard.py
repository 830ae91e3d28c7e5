"""What may talk to whom: the page to this machine only, and to the server that has made it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.responses import PlainTextResponse

App = Callable[..., Awaitable[None]]
Message = MutableMapping[str, Any]

# gradio names fonts and scripts of other hosts; browsers do not load them when they are told so.
_POLICY = (
    b"default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    b"style-src 'self' 'unsafe-inline'; frame-ancestors 'self'"
)


class StayAtHome:
    """ASGI middleware that adds a content security policy."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(
        self, scope: Message, receive: Callable[..., Any], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"content-security-policy", _POLICY)]
            await send(message)

        await self._app(scope, receive, send_guarded if scope["type"] == "http" else send)


class OwnPages:
    """ASGI middleware that serves all below a path, and refuses what a page of another path asks for.

    When the page is made anew, those that are still open would call functions of the same numbers.
    """

    def __init__(self, app: App, path: str, family: str) -> None:
        self._app = app
        self._path = path
        self._family = family

    async def __call__(self, scope: Message, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        asked = scope.get("path", "")
        if asked.startswith(f"{self._path}/"):
            await self._app({**scope, "path": asked.removeprefix(self._path)}, receive, send)
        elif asked.startswith(self._family):
            await PlainTextResponse("This page is out of date: reload it.", 410)(scope, receive, send)
        else:
            await self._app(scope, receive, send)
