"""What uvicorn leaves open: limits for clients that send or read too slowly, or headers without end."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any

import alog

from caikit.runtime.engine import Reason, Status
from caikit.runtime.engine.byte_budget import ByteBudget
from caikit.runtime.engine.limits import (
    BODY_RATE_KEY,
    DEFAULT_BODY_RATE,
    DEFAULT_READ_SECONDS,
    DEFAULT_STALL_SECONDS,
    READ_SECONDS_KEY,
    STALL_SECONDS_KEY,
)

from ._asgi_access import PEER_KEY
from ._peer_names import peer_names
from ._turned_away import BY_HTTP_STATUS, CROWDED
from ._uvicorn_upgrades import StayingProtocol
from .http_messages import DEFAULT_BODY_LIMIT

log = alog.use_channel("SERVR-HTTP")

# When the server stops: how long clients that do not know it yet may ask once more.
_LAST_SECONDS = 0.25
_STOPPING = "The server is shutting down"
_LINES = b"application/x-ndjson"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """What a client may do with its connection."""

    head_bytes: int = 64 * 1024
    """Request line and headers, give or take what one read brings."""
    read_seconds: float | None = DEFAULT_READ_SECONDS
    min_body_rate: float | None = DEFAULT_BODY_RATE
    """Bytes per second, once a body has taken longer than `read_seconds`."""
    stall_seconds: float | None = DEFAULT_STALL_SECONDS
    probes: frozenset[bytes] = field(default_factory=frozenset)
    """Paths that are served however many requests run."""
    message_bytes: int = DEFAULT_BODY_LIMIT
    """One message of a WebSocket."""
    bytes_held: ByteBudget | None = None
    """Where large messages count that are not complete yet."""
    on_refusal: Callable[[Status, Reason], object] = lambda status, reason: None
    """Told of each request that a connection turns away by itself."""


class LimitedProtocol(StayingProtocol):
    """One connection with limits; `check` is called from time to time."""

    limits = ConnectionLimits()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._used = False
        self._head_bytes = 0
        # Since when the client has sent nothing, but for heads: those must be complete after a while.
        self._waiting_since = time.monotonic()
        # Since when a body comes in several pieces, and how much of it has come.
        self._body_since: float | None = None
        self._body_bytes = 0
        self._refused = False
        self._unwritten: int | None = None
        self._unwritten_since = 0.0
        self._is_last = False

    # What the parser and the transport tell

    def data_received(self, data: bytes) -> None:
        was_open = self._message_open
        super().data_received(data)
        if self._message_open and not self._refused:
            self._note_unfinished(len(data), was_open)

    def on_message_begin(self) -> None:
        self._used = True
        self._head_bytes = 0
        self._body_since = None
        super().on_message_begin()
        if self.scheme == "https":
            self.scope["state"][PEER_KEY] = partial(peer_names, self.transport)

    def eof_received(self) -> None:
        # The client has gone: whatever runs for it ends now, not when it has read what waits to be written.
        self.leave()
        self.flow.resume_writing()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unwritten = self.transport.get_write_buffer_size()
        self._unwritten_since = time.monotonic()

    def resume_writing(self) -> None:
        self._unwritten = None
        super().resume_writing()

    def handle_websocket_upgrade(self) -> None:
        # Loaded when the first one comes.
        from ._uvicorn_socket import limited_socket

        self._message_open = False
        self.ws_protocol_class = limited_socket(self.limits)
        if self._is_crowded():
            self._refuse(503, "Service Unavailable", CROWDED)
        elif self._unanswered:
            # An answer is on its way, and this is its connection.
            self.transport.abort()
        else:
            super().handle_websocket_upgrade()

    # What the server tells

    def check(self, now: float) -> None:
        """End the connection if its client takes too long."""
        limits = self.limits
        if self._unwritten is not None:
            if limits.stall_seconds is not None:
                self._check_reader(self._unwritten, now, limits.stall_seconds)
        elif limits.read_seconds is not None and not self._is_read_by_worker():
            if now - self._waiting_since > limits.read_seconds:
                self._check_sender(limits.read_seconds)
            elif self._body_since is not None and limits.min_body_rate is not None:
                self._check_rate(now - self._body_since - limits.read_seconds, limits.min_body_rate)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self._is_last and not self._in_head:
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_last:
            self.loop.call_later(_LAST_SECONDS, self.shutdown)

    def drain(self) -> None:
        """The next answer is the last one."""
        self._is_last = True
        if not self._unanswered or self._unanswered[-1].response_started or self.transport.is_closing():
            return
        waits = self._message_open and not self._in_head and len(self._unanswered) == 1
        if waits and not self._is_read_by_worker():
            self._refuse(503, _STOPPING)
        else:
            self._unanswered[-1].keep_alive = False

    @property
    def is_idle(self) -> bool:
        """It waits for a request, or for the rest of the head of one."""
        return not (self._unanswered or self._refused or self.transport.is_closing())

    @property
    def age(self) -> float:
        """Seconds, if it was never used; else infinite."""
        return math.inf if self._used else time.monotonic() - self._waiting_since

    def close_idle(self) -> None:
        if self._message_open:
            self._refuse(503, _STOPPING)
        else:
            self.transport.close()

    def shutdown(self) -> None:
        if self.is_idle:
            self.close_idle()

    def end(self) -> None:
        """There is no time for another request."""
        for cycle in self._unanswered:
            cycle.keep_alive = False
        self.shutdown()

    def _note_unfinished(self, size: int, was_open: bool) -> None:
        if not self._in_head:
            self._head_bytes = 0
            self._waiting_since = time.monotonic()
            if self._body_since is None:
                self._body_since, self._body_bytes = self._waiting_since, 0
            self._body_bytes += size
        elif not was_open or self._head_bytes == 0:
            # What part of these bytes belongs to the head is not known.
            self._head_bytes = 1
            self._waiting_since = time.monotonic()
        else:
            self._head_bytes += size
            if self._head_bytes > self.limits.head_bytes:
                self._refuse(431, f"The headers are larger than {self.limits.head_bytes} bytes")

    def _check_sender(self, seconds: float) -> None:
        if self._refused:
            self.transport.abort()
        elif not self._used:
            self.transport.close()
        elif self._message_open and not self.flow.read_paused:
            self._refuse(408, f"The request was not complete after {seconds:g} seconds ({READ_SECONDS_KEY})")

    def _is_read_by_worker(self) -> bool:
        """A body of lines may pause while its answer is made; who reads it knows for how long."""
        if not self._message_open or self._in_head or self.cycle.response_complete:
            return False
        return any(name == b"content-type" and value.startswith(_LINES) for name, value in self.headers)

    def _check_rate(self, seconds: float, rate: float) -> None:
        slow = self._body_bytes < seconds * rate
        if slow and self._message_open and not self._refused and not self.flow.read_paused:
            self._refuse(408, f"The body comes slower than {rate:g} bytes per second ({BODY_RATE_KEY})")

    def _check_reader(self, unwritten: int, now: float, seconds: float) -> None:
        size = self.transport.get_write_buffer_size()
        if size < unwritten:
            self._unwritten, self._unwritten_since = size, now
        elif now - self._unwritten_since > seconds:
            log.warning(
                "<RUN51820334W>",
                "A client has read nothing for %g seconds (%s) and is disconnected",
                seconds,
                STALL_SECONDS_KEY,
            )
            self.transport.abort()

    def _is_crowded(self) -> bool:
        limit = self.limit_concurrency
        return limit is not None and max(len(self.connections), len(self.tasks)) >= limit

    def _refuse(self, status: int, detail: str, reason: tuple[Status, Reason] | None = None) -> None:
        """Answer in place of the application and close the connection."""
        self._refused = True
        self._waiting_since = time.monotonic()
        answering = self.cycle is not None and not self.cycle.response_complete
        waits = self._in_head or len(self._unanswered) > 1
        if answering and (waits or self.cycle.response_started):
            # An answer is on its way: nothing may come between.
            self.transport.abort()
            return
        self.limits.on_refusal(*(reason or BY_HTTP_STATUS[status]))
        body = json.dumps({"detail": detail}).encode()
        lines = [
            b"HTTP/1.1 %d %b" % (status, HTTPStatus(status).phrase.encode()),
            *(b"%b: %b" % header for header in self.server_state.default_headers),
            b"content-type: application/json",
            b"content-length: %d" % len(body),
            b"connection: close",
        ]
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            lines.append(b"retry-after: 1")
        self.transport.write(b"\r\n".join([*lines, b"", body]))
        self.transport.close()


class ProbedProtocol(LimitedProtocol):
    """Serves probes even when uvicorn's `limit_concurrency` is reached."""

    def on_headers_complete(self) -> None:
        limit, path = self.limit_concurrency, self.url.partition(b"?")[0]
        if path in self.limits.probes:
            self.limit_concurrency = None
        elif self._is_crowded() and not self.becomes_socket:
            self.limits.on_refusal(*CROWDED)
        super().on_headers_complete()
        self.limit_concurrency = limit


def limited_protocol(limits: ConnectionLimits, *, probed: bool) -> type[LimitedProtocol]:
    """The class of connections with these limits."""
    base = ProbedProtocol if probed else LimitedProtocol
    return type("Connection", (base,), {"limits": limits})
