"""Ends connections that are old or not used, so that clients open others, maybe to other servers."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._http2 import Http2Connection
    from ._limits import Limits

# Connections that were opened together do not end together.
_SPREAD = 0.1


class Age:
    """How old a connection is, and since when nobody uses it."""

    __slots__ = ("_last_stream", "_limits", "_old_at", "_used_at")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._used_at = now = time.monotonic()
        self._last_stream = 0
        age = limits.age_seconds
        self._old_at = None if age is None else now + age * random.uniform(1 - _SPREAD, 1 + _SPREAD)

    def check(self, connection: Http2Connection, now: float) -> None:
        """Called from time to time."""
        if connection.streams or connection.last_stream != self._last_stream:
            self._used_at, self._last_stream = now, connection.last_stream
        unused = self._limits.unused_seconds
        if unused is not None and now - self._used_at > unused:
            connection.drain()
        if self._old_at is not None and now > self._old_at:
            grace = self._limits.age_grace_seconds
            connection.drain()
            if grace is not None and now > self._old_at + grace:
                connection.stop()
