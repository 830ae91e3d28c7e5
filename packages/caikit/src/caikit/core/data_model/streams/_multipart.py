"""Finds the parts of a multipart form in a file and opens windows on them."""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from typing import IO, NoReturn

import alog

from caikit.core.exceptions import error_handler

log = alog.use_channel("DATSTRM")
error = error_handler.get(log)

_LINE_LIMIT = 64 * 1024  # binary parts may have no line ends at all
_HEADER_LIMIT = 100


@dataclass
class Part:
    """One uploaded file of a form; `fp` stands at its first byte."""

    content_type: str
    filename: str
    fp: IO[bytes]


def is_multipart_file(file: str | os.PathLike[str]) -> bool:
    """Whether the file opens with a multipart header, or a boundary and the headers of a part."""
    with open(file, "rb") as binary:
        line = _first_line(binary)
        if not line.startswith(b"--"):
            return _declared_boundary(line) is not None
        return binary.readline(_LINE_LIMIT).lower().startswith(b"content-")


def stream_multipart_file(file: str | os.PathLike[str], shown_name: str | None = None) -> Iterator[Part]:
    """Yield the parts that carry a file, in order; form fields are left out.

    A form without the boundary that it announces, or without its end, is a ValueError; `shown_name` is what the error
    calls the file.
    """
    name = shown_name or os.fspath(file)
    with open(file, "rb") as binary:
        boundary = _find_boundary(binary, name)
        for headers, start, end in _regions(binary, boundary, name):
            filename = headers.get_filename()
            if filename is not None:
                content_type = headers.get_content_type() if "content-type" in headers else ""
                yield Part(content_type, filename, io.BufferedReader(_Window(file, start, end)))


def _first_line(binary: IO[bytes]) -> bytes:
    for line in iter(lambda: binary.readline(_LINE_LIMIT), b""):
        if line.strip():
            return line.strip()
    return b""


def _declared_boundary(line: bytes) -> str | None:
    for value in _parsed(line).values():
        if "multipart" in str(value).lower():
            header = Message()
            header["Content-Type"] = value
            return header.get_boundary() or None
    return None


def _find_boundary(binary: IO[bytes], name: str) -> bytes:
    line = _first_line(binary)
    if line.startswith(b"--"):
        binary.seek(0)
        return line
    declared = _declared_boundary(line)
    if declared is None:
        _fail(name, "no boundary at the beginning")
    return b"--" + declared.encode("utf-8")


def _regions(binary: IO[bytes], boundary: bytes, name: str) -> Iterator[tuple[Message, int, int]]:
    """Yield the headers of each part with the offsets where its content starts and ends."""
    _, _, closed = _next_boundary(binary, boundary, name)
    while not closed:
        headers = _part_headers(binary, name)
        start = binary.tell()
        end, after, closed = _next_boundary(binary, boundary, name)
        yield headers, start, max(start, end)
        binary.seek(after)


def _next_boundary(binary: IO[bytes], boundary: bytes, name: str) -> tuple[int, int, bool]:
    """Return where the content before the boundary ends, where the next line starts, and if it is the last."""
    position = binary.tell()
    line_end = 0
    at_line_start = True
    while line := binary.readline(_LINE_LIMIT):
        if at_line_start and (stripped := line.rstrip()) in (boundary, boundary + b"--"):
            return position - line_end, position + len(line), stripped != boundary
        at_line_start = line.endswith(b"\n")
        line_end = 2 if line.endswith(b"\r\n") else int(at_line_start)
        position += len(line)
    return _fail(name, f"boundary {boundary.decode(errors='replace')!r} is missing at the end")


def _part_headers(binary: IO[bytes], name: str) -> Message:
    lines = list(itertools.islice(_header_lines(binary), _HEADER_LIMIT))
    if len(lines) == _HEADER_LIMIT:
        _fail(name, f"a part has more than {_HEADER_LIMIT} header lines")
    return _parsed(b"".join(lines))


def _parsed(headers: bytes) -> Message:
    # Browsers send file names as plain UTF-8, which the parser for bytes would take for broken text.
    return HeaderParser().parsestr(headers.decode("utf-8", errors="replace"))


def _header_lines(binary: IO[bytes]) -> Iterator[bytes]:
    while (line := binary.readline(_LINE_LIMIT)).strip():
        yield line


def _fail(name: str, reason: str) -> NoReturn:
    error.log_raise("<COR04987252E>", ValueError(f"Invalid form-data in `{name}`: {reason}"))


class _Window(io.RawIOBase):
    """The bytes of a file between two offsets."""

    def __init__(self, file: str | os.PathLike[str], start: int, end: int) -> None:
        super().__init__()
        self._file = open(file, "rb", buffering=0)  # noqa: SIM115  # closed by close()
        self._start = start
        self._size = end - start
        self._file.seek(start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell() - self._start

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._size}[whence]
        self._file.seek(self._start + max(0, base + offset))
        return self.tell()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any writable buffer in the stubs
        room = max(0, self._size - self.tell())
        return self._file.readinto(memoryview(buffer)[:room]) or 0

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
