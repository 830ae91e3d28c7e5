"""Parts of the log of a job."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import BinaryIO

from caikit.runtime.engine.private_paths import hide_folders

_MOST_BYTES = 256 * 1024
# Also inside of JSON, where quotes are escaped.
_FILE = re.compile(r'(File \\?")[^"\n]*[/\\](?=[^"/\\\n]+\\?")')


@dataclass(frozen=True, slots=True)
class LogPart:
    text: str
    next_offset: int


def read_part(path: str, offset: int, *, ended: bool) -> LogPart:
    """Whole lines from a byte on; the last one may lack its end if nobody writes any more."""
    with open(path, "rb") as file:
        if offset > os.fstat(file.fileno()).st_size:
            # The system does not know all numbers as places of a file.
            return LogPart("", offset)
        file.seek(max(0, offset))
        content = file.read(_MOST_BYTES)
        is_last = not file.read(1)
    if not (ended and is_last):
        # A line that is longer than an answer travels in pieces.
        end = content.rfind(b"\n") + 1
        content = content[: end or (len(content) if len(content) == _MOST_BYTES else 0)]
    return LogPart(_without_folders(content.decode(errors="replace")), max(0, offset) + len(content))


def offset_of_last_lines(path: str, count: int) -> int:
    """Where the last lines begin, as far as they fit into one answer."""
    with open(path, "rb") as file:
        return _offset_of_last_lines(file, count)


def _offset_of_last_lines(file: BinaryIO, count: int) -> int:
    size = file.seek(0, os.SEEK_END)
    begin = max(0, size - _MOST_BYTES)
    file.seek(begin)
    lines = file.read(size - begin).splitlines(keepends=True)
    if begin and len(lines) > 1:
        del lines[0]  # only its end
    return size - sum(map(len, lines[len(lines) - min(count, len(lines)) :]))


def _without_folders(text: str) -> str:
    """Where files lie on the server is nothing for callers."""
    return "\n".join(_FILE.sub(r"\1", hide_folders(line)) for line in text.split("\n"))
