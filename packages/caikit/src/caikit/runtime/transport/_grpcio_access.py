"""Asks the guard of a method about a call."""

from __future__ import annotations

from concurrent.futures import wait
from functools import partial
from typing import Any

import grpc

from caikit.runtime.engine import RequestError
from caikit.runtime.engine.guard import DECISION_SECONDS, Guard, Peer, UndecidedError

_NAMES = "x509_subject_alternative_name"
_COMMON_NAME = "x509_common_name"


def find_refusal(guard: Guard, servicer: grpc.ServicerContext) -> RequestError | None:
    """Why the call is refused, or None. Waits in a worker for a guard that is about to know."""
    metadata: Any = servicer.invocation_metadata()
    authorization = [value for name, value in metadata if name == "authorization"]
    find_peer = partial(_find_peer, servicer)
    refusal = guard.refusal(authorization, find_peer)
    if isinstance(refusal, UndecidedError):
        wait([refusal.settled], DECISION_SECONDS)
        refusal = guard.refusal(authorization, find_peer)
    return refusal


def _find_peer(servicer: grpc.ServicerContext) -> Peer:
    found: Any = servicer.auth_context()
    names = found.get(_NAMES) or found.get(_COMMON_NAME) or ()
    return Peer(
        names=tuple(name.decode("utf-8", "replace") for name in names),
        unix_socket=servicer.peer().startswith("unix:"),
    )
