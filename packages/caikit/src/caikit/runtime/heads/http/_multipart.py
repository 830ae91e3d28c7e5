"""Splits multipart bodies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._answers import BadRequestError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks


@dataclass(slots=True)
class Part:
    """One part of a form."""

    name: str
    filename: str | None
    content_type: str | None
    data: bytes


def parse_multipart(body: bytes, boundary: str) -> list[Part]:
    """The parts of a `multipart/form-data` body, in their order."""
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser

    collector = _Collector()
    try:
        parser = MultipartParser(boundary.encode("latin-1"), collector.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise BadRequestError(400, f"Malformed multipart body: {error}") from None
    if not collector.complete:
        raise BadRequestError(400, "Malformed multipart body: its end is missing")
    return collector.parts


class _Collector:
    """Takes what the parser finds and puts the parts together."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.complete = False
        self._headers: dict[str, bytes] = {}
        self._name = b""
        self._value = b""
        self._data: list[bytes] = []

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._take_name,
            "on_header_value": self._take_value,
            "on_header_end": self._end_header,
            "on_part_data": self._take_data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._headers = {}
        self._data = []

    def _take_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value
        self._name = self._value = b""

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def _end(self) -> None:
        from python_multipart.multipart import parse_options_header

        _, options = parse_options_header(self._headers.get("content-disposition"))
        name = options.get(b"name")
        if name is None:
            raise BadRequestError(400, "Malformed multipart body: a part has no name")
        filename = options.get(b"filename")
        content_type = self._headers.get("content-type")
        self.parts.append(
            Part(
                name.decode("utf-8", "replace"),
                None if filename is None else filename.decode("utf-8", "replace"),
                None if content_type is None else content_type.decode("latin-1"),
                b"".join(self._data),
            )
        )

    def _finish(self) -> None:
        self.complete = True
