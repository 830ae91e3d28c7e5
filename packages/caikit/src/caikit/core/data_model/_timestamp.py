from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

TIMESTAMP_PROTOBUF_NAME: str = Timestamp.DESCRIPTOR.full_name

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SECOND = timedelta(seconds=1)
_MILLISECONDS_FROM = 2e10
_zone: tzinfo | None = None
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
    moment = _in_utc(date_time)
    timestamp.seconds = (moment - _EPOCH) // _SECOND
    timestamp.nanos = moment.microsecond * 1000


def _in_utc(date_time: datetime) -> datetime:
    if date_time.__class__ is not datetime:
        date_time = _plain(date_time)
    try:
        if date_time.tzinfo is None and date_time.year == 1:
            # Python looks a day back for the offset of a local time.
            offset = date_time.replace(year=2).astimezone().utcoffset() or timedelta()
            return date_time.replace(tzinfo=timezone.utc) - offset
        return date_time.astimezone(timezone.utc)
    except (OverflowError, ValueError):
        raise ValueError(f"expected a time in the years 1 to 9999 of UTC, got {date_time}") from None


def _plain(date_time: datetime) -> datetime:
    """Of subclasses, such as that of pandas, which convert and print themselves otherwise."""
    if date_time.year != date_time.year:
        raise ValueError(f"expected a point in time, got {date_time}")
    moment = date_time
    return datetime(
        *(moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second),
        microsecond=moment.microsecond,
        tzinfo=moment.tzinfo,
        fold=moment.fold,
    )


def use_timezone(zone: tzinfo | None) -> None:
    """Datetimes that are read from messages and JSON have this zone from now on.

    None, as it is at first, means local time without zone. This is for the whole process: an application decides it
    once at its start, a library never does.
    """
    if zone is not None and not isinstance(zone, tzinfo):
        raise TypeError(f"expected a time zone or None, got {type(zone)}")
    global _zone
    _zone = zone


def proto_to_datetime(timestamp: Any) -> datetime:
    """The time of a Timestamp message: local and without zone, unless `use_timezone` has named a zone."""
    if getattr(getattr(timestamp, "DESCRIPTOR", None), "full_name", None) != TIMESTAMP_PROTOBUF_NAME:
        raise TypeError(f"expected a {TIMESTAMP_PROTOBUF_NAME}, got {type(timestamp)}")
    try:
        return _in_zone(_EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1000))
    except OverflowError:
        raise ValueError(
            f"expected a time in the years 1 to 9999, got {timestamp.seconds} seconds since 1970"
        ) from None


def _in_zone(moment: datetime) -> datetime:
    """The same moment as it is handed out."""
    return moment.astimezone().replace(tzinfo=None) if _zone is None else moment.astimezone(_zone)


def datetime_to_json(date_time: datetime) -> str:
    """RFC 3339 with Z and no, three or six digits after the second."""
    moment = _in_utc(date_time)
    microsecond = moment.microsecond
    text = moment.replace(microsecond=0, tzinfo=None).isoformat()
    if not microsecond:
        return f"{text}Z"
    return f"{text}.{microsecond:06d}Z" if microsecond % 1000 else f"{text}.{microsecond // 1000:03d}Z"


def parse_datetime(value: str | float) -> datetime:
    """A time from ISO 8601 text (no zone: UTC) or from the seconds (or milliseconds) since 1970."""
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
        return _in_zone(datetime.fromisoformat(text))
    seconds = value / 1000 if abs(value) > _MILLISECONDS_FROM else value
    return _in_zone(_EPOCH + timedelta(seconds=seconds))
