"""Decodes the header blocks of one HTTP/2 connection."""

from __future__ import annotations

import re
from itertools import chain

from caikit.runtime.transport.http_messages import HeaderList

from ._frames import COMPRESSION_ERROR, ENHANCE_YOUR_CALM, ConnectionFault
from ._huffman_code import decompress
from ._static_table import STATIC_TABLE

_Header = tuple[bytes, bytes]

_FIRST_DYNAMIC = len(STATIC_TABLE) + 1
_COST = 32
"""Bytes that a header counts besides its name and value."""
DEFAULT_TABLE_SIZE = 4096
"""The size that one side may use as long as the other says nothing else; we do not."""
_LARGEST_NUMBER = 2**24
_MOST_ROWS = 16
_POINTERS = re.compile(rb"[\x81-\xfe]{1,32}")
# A head may be so many times larger than is taken before its connection is ended.
PATIENCE = 4


class HeadTooLargeError(Exception):
    """Raised for a head that is too large but was decoded, so that the connection can go on."""

    def __init__(self, most_bytes: int, headers: HeaderList) -> None:
        super().__init__(f"The headers are larger than {most_bytes} bytes")
        self.calls = any(
            name == b"content-type" and value.startswith(b"application/grpc") for name, value in headers
        )
        """It is that of a gRPC call."""


class HeaderDecoder:
    """Keeps the table that the client builds. What it has read is never logged: there are secrets in it."""

    __slots__ = ("_entries", "_limit", "_most_bytes", "_rows", "_size", "changes")

    def __init__(self, *, most_bytes: int) -> None:
        self.changes = 0
        """Grows with each change of the table."""
        self._most_bytes = most_bytes
        self._entries: list[_Header] = []
        """The newest one is the last."""
        self._size = 0
        self._limit = DEFAULT_TABLE_SIZE
        self._rows: dict[bytes, tuple[HeaderList, int]] = {}
        """What was found for rows of pointers, as long as the table is the same."""

    def decode(self, block: bytes) -> HeaderList:
        """Raises HeadTooLargeError, or ConnectionFault, after which nothing more can be read."""
        try:
            return self._decode(block)
        except IndexError:
            raise _fault() from None

    def _decode(self, block: bytes) -> HeaderList:
        headers: HeaderList = []
        at, end, size, most = 0, len(block), 0, self._most_bytes
        while at < end:
            first = block[at]
            if first >= 0x80 and (pointers := _POINTERS.match(block, at)):
                at = pointers.end()
                found, cost = self._find_all(pointers[0])
                headers += found
            else:
                if first >= 0x80:
                    index, at = _read_number(block, at, 0x7F)
                    header = self._find(index)
                elif first >= 0x40:
                    header, at = self._read_literal(block, at, 0x3F)
                    self._add(header)
                elif first >= 0x20:
                    if headers:
                        raise _fault()
                    limit, at = _read_number(block, at, 0x1F)
                    self._resize(limit)
                    continue
                else:
                    header, at = self._read_literal(block, at, 0x0F)
                headers.append(header)
                cost = len(header[0]) + len(header[1]) + _COST
            size += cost
            if size > most * PATIENCE:
                raise ConnectionFault(ENHANCE_YOUR_CALM, f"The headers are larger than {most} bytes")
        if at > end:
            raise _fault()
        if size > most:
            raise HeadTooLargeError(most, headers)
        return headers

    def _read_literal(self, block: bytes, at: int, most: int) -> tuple[_Header, int]:
        index = block[at] & most
        if index == most:
            index, at = _read_number(block, at, most)
        else:
            at += 1
        if index:
            name = self._find(index)[0]
        else:
            name, at = _read_text(block, at)
        value, at = _read_text(block, at)
        return (name, value), at

    def _find_all(self, pointers: bytes) -> tuple[HeaderList, int]:
        """The entries of a row of short pointers, and what they count together."""
        found = self._rows.get(pointers)
        if found is None:
            headers = [self._find(pointer & 0x7F) for pointer in pointers]
            size = sum(map(len, chain.from_iterable(headers))) + _COST * len(headers)
            if len(self._rows) >= _MOST_ROWS:
                self._rows.clear()
            found = self._rows[pointers] = headers, size
        return found

    def _find(self, index: int) -> _Header:
        if index >= _FIRST_DYNAMIC:
            # Past the oldest one this is an IndexError.
            return self._entries[_FIRST_DYNAMIC - 1 - index]
        if index == 0:
            raise _fault()
        return STATIC_TABLE[index - 1]

    def _add(self, header: _Header) -> None:
        self._change()
        self._entries.append(header)
        self._size += len(header[0]) + len(header[1]) + _COST
        if self._size > self._limit:
            self._evict()

    def _resize(self, limit: int) -> None:
        if limit > DEFAULT_TABLE_SIZE:
            raise _fault()
        self._change()
        self._limit = limit
        self._evict()

    def _change(self) -> None:
        self.changes += 1
        self._rows.clear()

    def _evict(self) -> None:
        count = 0
        while self._size > self._limit:
            name, value = self._entries[count]
            self._size -= len(name) + len(value) + _COST
            count += 1
        del self._entries[:count]


def _read_number(block: bytes, at: int, most: int) -> tuple[int, int]:
    """A number that begins in the low bits of a byte, and where it ends."""
    number = block[at] & most
    at += 1
    if number < most:
        return number, at
    shift = 0
    while True:
        byte = block[at]
        at += 1
        number += (byte & 0x7F) << shift
        if number > _LARGEST_NUMBER or shift > 28:
            raise _fault()
        if byte < 0x80:
            return number, at
        shift += 7


def _read_text(block: bytes, at: int) -> tuple[bytes, int]:
    """A text and where it ends, which may be after the end of the block."""
    length = block[at]
    if length < 0x7F:
        at += 1
        end = at + length
        return block[at:end], end
    length, end = _read_number(block, at, 0x7F)
    text = block[end : end + length]
    if end + length > len(block):
        raise _fault()
    return (decompress(text) if block[at] & 0x80 else text), end + length


def _fault() -> ConnectionFault:
    return ConnectionFault(COMPRESSION_ERROR, "a header block that cannot be decoded")
