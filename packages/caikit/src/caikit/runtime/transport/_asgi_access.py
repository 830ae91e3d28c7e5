"""Asks the guard of an endpoint about a request."""

from __future__ import annotations

import asyncio
from functools import partial

from caikit.runtime.engine import RequestError
from caikit.runtime.engine.guard import DECISION_SECONDS, Guard, Peer, UndecidedError

from ._asgi_scope import Message

PEER_KEY = "caikit.peer_names"
"""Where the server puts, in the state of a request, a function that tells the names in the client's certificate."""


async def find_refusal(guard: Guard, scope: Message) -> RequestError | None:
    """Why the request is refused, or None."""
    authorization = [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
    find_peer = partial(_find_peer, scope)
    refusal = guard.refusal(authorization, find_peer)
    if isinstance(refusal, UndecidedError):
        await asyncio.wait([asyncio.wrap_future(refusal.settled)], timeout=DECISION_SECONDS)
        refusal = guard.refusal(authorization, find_peer)
    return refusal


def _find_peer(scope: Message) -> Peer:
    find_names = scope.get("state", {}).get(PEER_KEY)
    return Peer() if find_names is None else Peer(names=find_names())
