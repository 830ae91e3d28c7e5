"""Writes down who was refused, and who changed something; never with a key or token."""

from __future__ import annotations

import threading
import time

import alog

from ._scopes import Scope

log = alog.use_channel("SECURITY")

_MOST_LINES = 10
_WINDOW_SECONDS = 1.0
_CHANGING = frozenset({Scope.TRAIN, Scope.MANAGE})


class Audit:
    """One line for each refusal, but no more in a second than somebody can read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._window = 0.0
        self._lines = 0
        self._left_out = 0

    def refused(self, what: str, reason: str) -> None:
        with self._lock:
            now = time.monotonic()
            if now - self._window >= _WINDOW_SECONDS:
                self._window, self._lines = now, 0
            if self._lines >= _MOST_LINES:
                self._left_out += 1
                return
            self._lines += 1
            left_out, self._left_out = self._left_out, 0
        more = f" ({left_out} more refusals before)" if left_out else ""
        log.warning("<RUN61240031W>", "Refused a call of %s: %s%s", what, reason, more)

    def admitted(self, what: str, scope: Scope, name: str) -> None:
        if scope in _CHANGING:
            log.info("<RUN61240032I>", "%s calls %s", name, what)
