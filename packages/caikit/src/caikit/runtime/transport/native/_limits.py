"""What clients may do with a connection."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from caikit.runtime.engine.limits import (
    DEFAULT_BODY_RATE,
    DEFAULT_READ_SECONDS,
    DEFAULT_STALL_SECONDS,
)

MAX_FRAME = 16384
"""Payload of the HTTP/2 frames that we take, in bytes: the least that the protocol allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """None is no limit."""

    head_bytes: int = 64 * 1024
    """Request line and headers, or a decoded header list."""
    read_seconds: float | None = DEFAULT_READ_SECONDS
    min_body_rate: float | None = DEFAULT_BODY_RATE
    """Bytes per second, once a body has taken longer than `read_seconds`."""
    stall_seconds: float | None = DEFAULT_STALL_SECONDS
    idle_seconds: float | None = 75.0
    """How long a connection may be kept without a request; over HTTP/2 it is asked by a ping whether it lives."""
    ping_seconds: float | None = 20.0
    """How long a client may take to answer a ping."""
    unused_seconds: float | None = None
    """After how long without a request an HTTP/2 connection is closed in spite of answered pings."""
    age_seconds: float | None = None
    """After how long an HTTP/2 connection takes no more requests, more or less, so that clients open another."""
    age_grace_seconds: float | None = None
    """How long the requests may take that run then."""
    max_streams: int = 256
    """Requests at the same time on an HTTP/2 connection."""
    stream_window: int = 256 * 1024
    connection_window: int = 4 * 1024 * 1024
    reset_rate: tuple[int, float] = (1000, 500.0)
    """Requests that a client may give up, at once and per second; one that is a server itself passes on what its clients
    give up."""
    control_rate: tuple[int, float] = (1000, 100.0)
    """Frames that carry nothing but cost something, at once and per second."""
    concurrency: int | None = None
    """Connections and requests at the same time; more requests get 503."""
    probes: frozenset[str] = field(default_factory=frozenset)
    """Paths that are served in spite of `concurrency`."""


class Bucket:
    """Counts what may happen so many times at once and so many times per second."""

    __slots__ = ("_burst", "_left", "_per_second", "_since")

    def __init__(self, rate: tuple[int, float]) -> None:
        self._burst, self._per_second = rate
        self._left = float(self._burst)
        self._since = time.monotonic()

    def take(self) -> bool:
        """False when it happens too often."""
        self._left -= 1
        if self._left >= 0:
            return True
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._since) * self._per_second)
        self._since = now
        return self._left >= 0
