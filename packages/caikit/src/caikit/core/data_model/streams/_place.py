"""Where a reader is in its file."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import TextIO

_CHUNK = 64 * 1024


class Place:
    """The name that errors give a file, and how far its reader is; `position` is called for errors only."""

    __slots__ = ("name", "position")

    def __init__(self, name: str) -> None:
        self.name = name
        self.position: Callable[[], str] = str

    def describe(self, problem: object) -> str:
        """The text of a problem with the position behind it."""
        position = self.position()
        return f"{problem} ({position})" if position else str(problem)


def undecodable(problem: UnicodeDecodeError, where: str) -> UnicodeDecodeError:
    """The same error, which now tells where."""
    return UnicodeDecodeError(
        problem.encoding, problem.object, problem.start, problem.end, f"{problem.reason} ({where})"
    )


def find_undecodable(text: TextIO, place: Place, problem: UnicodeDecodeError) -> UnicodeDecodeError:
    """The error with the line; found by a second look, because text is decoded ahead of its lines."""
    text.buffer.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    ended = False
    while not ended:
        chunk = text.buffer.read(_CHUNK)
        ended = not chunk
        try:
            decoder.decode(chunk, final=ended)
        except UnicodeDecodeError as found:
            line += found.object.count(b"\n", 0, found.start)
            start = found.object.rfind(b"\n", 0, found.start) + 1
            in_line = UnicodeDecodeError(
                found.encoding,
                found.object[start : found.end],
                found.start - start,
                found.end - start,
                found.reason,
            )
            return undecodable(in_line, f"{place.name}, line {line}")
        line += chunk.count(b"\n")
    return problem
