"""Server-sent events out of the pieces in which they arrive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Event(NamedTuple):
    name: str
    data: bytes


class EventTooLargeError(Exception):
    """An event has more bytes than may be held."""


class EventReader:
    """Splits a stream of bytes into events; nothing is looked at twice."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._size = 0
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._name = b""
        self._after_return = False
        self._at_start = True

    @property
    def unfinished(self) -> bool:
        """Whether part of an event is waiting for the rest."""
        return bool(self._data or any(self._line))

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that this piece completes."""
        if self._after_return and piece.startswith(b"\n"):
            piece = piece[1:]
        self._after_return = piece.endswith(b"\r") if piece else self._after_return
        lines = _LINE_END.split(piece)
        for line in lines[:-1]:
            event = self._end_line(line)
            if event is not None:
                yield event
        self._hold(lines[-1])

    def _end_line(self, end: bytes) -> Event | None:
        self._hold(end)
        line = b"".join(self._line)
        self._line.clear()
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            return self._end_event()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        else:
            if field == b"event":
                self._name = value
            self._size -= len(line)
        return None

    def _end_event(self) -> Event | None:
        data, name = self._data, self._name
        self._data, self._name, self._size = [], b"", 0
        if not data:
            return None
        return Event(name.decode("utf-8", "replace") or "message", b"\n".join(data))

    def _hold(self, part: bytes) -> None:
        if part:
            self._line.append(part)
            self._size += len(part)
            if self._size > self._most_bytes:
                raise EventTooLargeError
