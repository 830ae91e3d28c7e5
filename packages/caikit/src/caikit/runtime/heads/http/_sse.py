"""Frames of server-sent events."""

from __future__ import annotations

import json
from datetime import datetime, timezone

from caikit.runtime.transport.http_messages import HeaderList

from ._answers import error_content

SSE_HEADERS: HeaderList = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"connection", b"keep-alive"),
    (b"x-accel-buffering", b"no"),
]


def message_frame(data: bytes) -> bytes:
    return b"event: message\r\ndata: %b\r\n\r\n" % data


def error_frame(status: int, details: str, id_: str) -> bytes:
    return b"event: error\r\ndata: %b\r\n\r\n" % json.dumps(error_content(status, details, id_)).encode()


def ping_frame() -> bytes:
    return f": ping - {datetime.now(timezone.utc)}\r\n\r\n".encode()
