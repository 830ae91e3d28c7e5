"""The text form of gRPC-Web: base64, in pieces that may each have an end of their own."""

from __future__ import annotations

import base64
import binascii
import re

from caikit.runtime.engine import RequestError, Status

_PIECE = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_QUAD = 4


class TextReader:
    """Decodes what comes in, however it is cut."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """What is complete now. Raises RequestError for what is no base64."""
        data = self._rest + data
        end = len(data) - len(data) % _QUAD
        self._rest = data[end:]
        try:
            return _decode(data[:end])
        except binascii.Error as error:
            raise RequestError(Status.INVALID_ARGUMENT, f"The body is no base64: {error}") from None

    def end(self) -> None:
        """Raises RequestError if something is missing."""
        if self._rest:
            raise RequestError(Status.INVALID_ARGUMENT, "The body is no base64: its end is missing")


def _decode(data: bytes) -> bytes:
    if b"=" not in data[:-2]:
        return base64.b64decode(data, validate=True)
    pieces = _PIECE.findall(data)
    if sum(map(len, pieces)) != len(data) or any(len(piece) % _QUAD for piece in pieces):
        raise binascii.Error("Incorrect padding")
    return b"".join(map(base64.b64decode, pieces))
