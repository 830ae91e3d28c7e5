"""A WSGI application that not everybody may call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import wait
from typing import Any

from caikit.runtime.engine.guard import DECISION_SECONDS, AccessRefusedError, Guard, Peer, UndecidedError
from caikit.runtime.engine.status import Status

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_LINES = {Status.UNAUTHENTICATED: "401 Unauthorized", Status.PERMISSION_DENIED: "403 Forbidden"}


class GuardedApp:
    def __init__(self, app: Application, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        given = environ.get("HTTP_AUTHORIZATION")
        authorization = [] if given is None else [str(given)]
        refusal = self._guard.refusal(authorization, Peer)
        if isinstance(refusal, UndecidedError):
            wait([refusal.settled], DECISION_SECONDS)
            refusal = self._guard.refusal(authorization, Peer)
        if refusal is None:
            return self._app(environ, start_response)
        headers = [("Content-Type", "text/plain; charset=utf-8")]
        if isinstance(refusal, AccessRefusedError):
            headers.append(("WWW-Authenticate", refusal.challenge))
        start_response(_LINES.get(refusal.status, "503 Service Unavailable"), headers)
        return [refusal.message.encode()]
