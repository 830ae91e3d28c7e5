"""Reads the elements of one large JSON array without holding the document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn, TextIO

import alog

from caikit.core.exceptions import error_handler

from ._place import Place, find_undecodable

log = alog.use_channel("DATSTRM")
error = error_handler.get(log)

DECODER = json.JSONDecoder(strict=False)  # control characters in strings are data here, not a mistake

_CHUNK = 64 * 1024
# The end of a chunk can cut the longest literal or escape; further away an error is final.
_CUT = 16
_SPACE = re.compile(r"[ \t\n\r]*")
_COMMA = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")


def json_array_items(text: TextIO, place: Place) -> Iterator[Any]:
    """Yield the elements of the array in `text`."""
    reader = _Reader(text, place)
    place.position = reader.position_of_element
    try:
        if reader.peek() != "[":
            reader.value()
            reader.refuse()
        reader.skip()
        if reader.peek() == "]":
            reader.skip()
        else:
            yield from _elements(reader)
        if reader.peek():
            reader.fail("Extra data")
    except UnicodeDecodeError as problem:
        raise find_undecodable(text, place, problem) from None


def _elements(reader: _Reader) -> Iterator[Any]:
    while True:
        yield from reader.values_in_window()
        yield reader.value()
        separator = reader.peek()
        if separator not in (",", "]"):
            reader.fail("Expecting ',' delimiter")
        reader.skip()
        if separator == "]":
            return


class _Reader:
    """A window over the text that moves forward and grows only for elements larger than itself."""

    def __init__(self, text: TextIO, place: Place) -> None:
        self._text = text
        self._name = place.name
        self._window = ""
        self._position = 0
        self._lines_before = 0
        self._columns_before = 0
        self._ended = False
        self._element = 0
        self._elements = 0

    def peek(self) -> str:
        """The next character that is not white space; empty at the end."""
        while True:
            self._position = self._end_of_space(self._position)
            if self._position < len(self._window):
                return self._window[self._position]
            if not self._grow():
                return ""

    def skip(self) -> None:
        self._position += 1

    def values_in_window(self) -> Iterator[Any]:
        """The next values as far as they, and what follows them, need no more text; the way for small elements."""
        self.peek()
        decode, find_comma = DECODER.raw_decode, _COMMA.match
        window, position = self._window, self._position
        while True:
            try:
                value, end = decode(window, position)
            except (ValueError, RecursionError):
                return  # for a closer look by `value`
            if window.startswith(", ", end):  # the usual one, found faster
                end += 2
            elif comma := find_comma(window, end):
                end = comma.end()
            else:
                return
            if end >= len(window):
                return
            self._element = position
            self._elements += 1
            self._position = position = end
            yield value

    def value(self) -> Any:
        """The next complete JSON value."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self._window, self._position)
            except json.JSONDecodeError as problem:
                if self._is_final(problem):
                    self.fail(problem.msg, problem.pos, problem)
            except (ValueError, RecursionError) as problem:
                self.fail(str(problem), root=problem)
            else:
                # A number that touches the end of the window may go on behind it.
                if end < len(self._window) or self._ended:
                    self._element, self._position = self._position, end
                    self._elements += 1
                    return value
            self._grow()

    def refuse(self) -> NoReturn:
        error.log_raise("<COR55596552E>", ValueError(f"Non-array JSON object in `{self._name}`"))

    def fail(self, reason: str, position: int | None = None, root: Exception | None = None) -> NoReturn:
        where = self._line_and_column(self._position if position is None else position)
        error.log_raise(
            "<COR55596553E>", ValueError(f"Invalid JSON object in `{self._name}`: {reason} ({where})"), root
        )

    def position_of_element(self) -> str:
        return f"element {self._elements}, {self._line_and_column(self._element)}"

    def _line_and_column(self, position: int) -> str:
        line_start = self._window.rfind("\n", 0, position) + 1
        columns_before = 0 if line_start else self._columns_before
        line = self._lines_before + self._window.count("\n", 0, position) + 1
        return f"line {line}, column {columns_before + position - line_start + 1}"

    def _is_final(self, problem: json.JSONDecodeError) -> bool:
        cut_off = problem.msg.startswith("Unterminated") or problem.pos >= len(self._window) - _CUT
        return self._ended or not cut_off

    def _end_of_space(self, start: int) -> int:
        match = _SPACE.match(self._window, start)
        return match.end() if match else start

    def _grow(self) -> bool:
        """Drop what is used up and read as much again as is left, so that big elements stay linear."""
        rest = len(self._window) - self._position
        more = self._text.read(max(_CHUNK, rest))
        used_lines = self._window.count("\n", 0, self._position)
        if used_lines:
            self._columns_before = -self._window.rfind("\n", 0, self._position) - 1
        self._lines_before += used_lines
        self._columns_before += self._position
        self._window = self._window[self._position :] + more
        self._position = 0
        self._ended = not more
        return not self._ended
