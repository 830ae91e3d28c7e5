"""Reads the elements of one large JSON array without holding the document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn, TextIO

import alog

from caikit.core.exceptions import error_handler

log = alog.use_channel("DATSTRM")
error = error_handler.get(log)

DECODER = json.JSONDecoder(strict=False)  # control characters in strings are data here, not a mistake

_CHUNK = 64 * 1024
# The end of a chunk can cut the longest literal or escape; further away an error is final.
_CUT = 16
_SPACE = re.compile(r"[ \t\n\r]*")


def json_array_items(text: TextIO, name: str) -> Iterator[Any]:
    """Yield the elements of the array in `text`; `name` is what errors call it."""
    reader = _Reader(text, name)
    if reader.peek() != "[":
        reader.value()
        error("<COR55596552E>", ValueError(f"Non-array JSON object in `{name}`"))
    reader.skip()
    if reader.peek() == "]":
        reader.skip()
    else:
        yield from _elements(reader)
    if reader.peek():
        reader.fail("Extra data")


def _elements(reader: _Reader) -> Iterator[Any]:
    while True:
        yield reader.value()
        separator = reader.peek()
        if separator not in (",", "]"):
            reader.fail("Expecting ',' delimiter")
        reader.skip()
        if separator == "]":
            return


class _Reader:
    """A window over the text that moves forward and grows only for elements larger than itself."""

    def __init__(self, text: TextIO, name: str) -> None:
        self._text = text
        self._name = name
        self._window = ""
        self._position = 0
        self._lines_before = 0
        self._ended = False

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
                    self._position = end
                    return value
            self._grow()

    def fail(self, reason: str, position: int | None = None, root: Exception | None = None) -> NoReturn:
        position = self._position if position is None else position
        line = self._lines_before + self._window.count("\n", 0, position) + 1
        error.log_raise(
            "<COR55596553E>",
            ValueError(f"Invalid JSON object in `{self._name}`: {reason} (line {line})"),
            root,
        )

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
        self._lines_before += self._window.count("\n", 0, self._position)
        self._window = self._window[self._position :] + more
        self._position = 0
        self._ended = not more
        return not self._ended
