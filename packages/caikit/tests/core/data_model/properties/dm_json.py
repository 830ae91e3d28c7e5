"""JSON as json.dumps writes it."""

from __future__ import annotations

import base64
import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp


def json_default(value: Any) -> str:
    """What JSON does not know: bytes and times, as protobuf writes them."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    assert isinstance(value, datetime.datetime)
    stamp = Timestamp()
    stamp.FromDatetime(value.astimezone(datetime.timezone.utc))
    text: str = stamp.ToJsonString()
    return text
