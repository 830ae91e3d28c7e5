"""The text form of gRPC-Web: base64, in pieces that may each have an end of their own."""

from __future__ import annotations

import base64
import re

from caikit.runtime.engine import RequestError, Status

_PIECE = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_GOOD = re.compile(rb"(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)*")
_QUAD = 4


class TextReader:
    """Decodes what comes in, however it is cut."""

    __slots__ = ("_rest", "fault")

    def __init__(self) -> None:
        self._rest = b""
        self.fault: RequestError | None = None
        """What is wrong after what was decoded."""

    def feed(self, data: bytes) -> bytes:
        """What is complete now, and good."""
        data = self._rest + data
        end = len(data) - len(data) % _QUAD
        self._rest = data[end:]
        good = _GOOD.match(data, 0, end)
        if good is None or good.end() < end:
            self.fault = _fault("expected A-Z, a-z, 0-9, + and /, and = at the end of a piece")
        return b"" if good is None else b"".join(map(base64.b64decode, _PIECE.findall(good[0])))

    def end(self) -> None:
        """Raises RequestError if something is missing."""
        if self._rest:
            raise _fault("its end is missing")


def _fault(reason: str) -> RequestError:
    return RequestError(Status.INVALID_ARGUMENT, f"The body is no base64: {reason}")
