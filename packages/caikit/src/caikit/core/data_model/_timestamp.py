from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

TIMESTAMP_PROTOBUF_NAME: str = Timestamp.DESCRIPTOR.full_name

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SECOND = timedelta(seconds=1)
_MILLISECONDS_FROM = 2e10
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*([Zz]|[+-]\d\d(?::?\d\d)?)?)?"
)


def datetime_to_proto(date_time: datetime) -> Timestamp:
    """A Timestamp message; a datetime without zone means local time."""
    if not isinstance(date_time, datetime):
        raise TypeError(f"expected a datetime, got {type(date_time)}")
    timestamp = Timestamp()
    fill_timestamp(timestamp, date_time)
    return timestamp


def fill_timestamp(timestamp: Any, date_time: datetime) -> None:
    timestamp.seconds = (date_time.replace(microsecond=0).astimezone(timezone.utc) - _EPOCH) // _SECOND
    timestamp.nanos = date_time.microsecond * 1000


def proto_to_datetime(timestamp: Any) -> datetime:
    """The local time, without zone, of a Timestamp message."""
    if getattr(getattr(timestamp, "DESCRIPTOR", None), "full_name", None) != TIMESTAMP_PROTOBUF_NAME:
        raise TypeError(f"expected a {TIMESTAMP_PROTOBUF_NAME}, got {type(timestamp)}")
    try:
        return to_local(_EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1000))
    except OverflowError:
        raise ValueError(
            f"expected a time in the years 1 to 9999, got {timestamp.seconds} seconds since 1970"
        ) from None


def to_local(moment: datetime) -> datetime:
    """The same moment as local time without zone."""
    return moment.astimezone().replace(tzinfo=None)


def datetime_to_json(date_time: datetime) -> str:
    """RFC 3339 with Z and no, three or six digits after the second."""
    moment = date_time.astimezone(timezone.utc)
    microsecond = moment.microsecond
    text = moment.replace(microsecond=0, tzinfo=None).isoformat()
    if not microsecond:
        return f"{text}Z"
    return f"{text}.{microsecond:06d}Z" if microsecond % 1000 else f"{text}.{microsecond // 1000:03d}Z"


def parse_datetime(value: str | float) -> datetime:
    """Local time from ISO 8601 text (no zone: UTC) or from the seconds (or milliseconds) since 1970."""
    if isinstance(value, str):
        found = _ISO.fullmatch(value.strip())
        if found is None:
            raise ValueError("invalid datetime format")
        day, minute, second, fraction, zone = found.groups()
        micros = (fraction or "").ljust(6, "0")[:6]
        zone = "+00:00" if zone in (None, "Z", "z") else zone
        if len(zone) == 3:
            zone += ":00"
        elif len(zone) == 5:
            zone = f"{zone[:3]}:{zone[3:]}"
        text = f"{day}T{minute or '00:00'}:{second or '00'}.{micros}{zone}"
        return to_local(datetime.fromisoformat(text))
    seconds = value / 1000 if abs(value) > _MILLISECONDS_FROM else value
    return to_local(_EPOCH + timedelta(seconds=seconds))
