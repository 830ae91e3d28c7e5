"""Limits that the configuration may change: their keys, which messages name, and their defaults."""

from __future__ import annotations

QUEUE_LIMIT_KEY = "runtime.max_queued_requests"
DEFAULT_QUEUE_LIMIT = 1000

QUEUE_SECONDS_KEY = "runtime.max_queue_seconds"
DEFAULT_QUEUE_SECONDS = 60.0
"""How long a request may wait for a worker."""

READ_SECONDS_KEY = "runtime.request_read_seconds"
DEFAULT_READ_SECONDS = 20.0
"""How long a client may take to send what belongs to its request."""

STALL_SECONDS_KEY = "runtime.stream_stall_seconds"
DEFAULT_STALL_SECONDS = 60.0
"""How long a client may leave an answer unread, or let the server wait for more of a stream of messages."""

HELD_BYTES_KEY = "runtime.max_held_request_bytes"
DEFAULT_HELD_BYTES = 512 * 1024 * 1024
"""Bytes of large requests that a server holds at the same time."""

BODY_RATE_KEY = "runtime.http.min_body_rate"
DEFAULT_BODY_RATE = 10_000
"""Bytes of a body per second, after the first seconds."""
