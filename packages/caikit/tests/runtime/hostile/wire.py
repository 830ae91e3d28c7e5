"""Protobuf bytes by hand, also those that no library would write."""

from __future__ import annotations

import struct

__all__ = ["block", "double", "greeting", "integer", "varint"]


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def integer(field: int, number: int) -> bytes:
    return varint(field << 3) + varint(number % 2**64)


def double(field: int, number: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", number)


def block(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def greeting(name: bytes = b"Ann", *, sleep: float | None = None) -> bytes:
    """A request for GreetTaskPredict."""
    return block(1, block(1, name)) + (b"" if sleep is None else double(7, sleep))
