"""Messages of gRPC: five bytes, then the content, which may be compressed."""

from __future__ import annotations

import zlib

from caikit.runtime.engine import RequestError, Status

ENCODINGS = b"identity,deflate,gzip"
_WINDOW_BITS = {b"gzip": 16 + zlib.MAX_WBITS, b"deflate": zlib.MAX_WBITS}
_HEAD_SIZE = 5
_PLAIN = b"\0"


def knows_encoding(encoding: bytes) -> bool:
    return encoding in _WINDOW_BITS or encoding == b"identity"


def pack(message: bytes) -> bytes:
    return _PLAIN + len(message).to_bytes(4, "big") + message


class MessageReader:
    """Cuts what comes in into messages. Raises RequestError for what is no message, or too large."""

    __slots__ = ("_buffer", "_encoding", "_longest")

    def __init__(self, *, encoding: bytes, longest: int | None) -> None:
        self._encoding = encoding
        self._longest = longest
        self._buffer: bytes | bytearray = b""

    @property
    def pending(self) -> int:
        """Bytes of a message that is not complete."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete now."""
        if not self._buffer and data.startswith(_PLAIN):
            size = len(data) - _HEAD_SIZE
            if size >= 0 and int.from_bytes(data[1:_HEAD_SIZE], "big") == size:
                self._check(size)
                return [data[_HEAD_SIZE:]]
        if self._buffer:
            if isinstance(self._buffer, bytes):
                self._buffer = bytearray(self._buffer)
            self._buffer += data
        else:
            self._buffer = data
        messages = []
        at, size = 0, len(self._buffer)
        while size - at >= _HEAD_SIZE:
            flag = self._buffer[at]
            length = int.from_bytes(self._buffer[at + 1 : at + _HEAD_SIZE], "big")
            if flag > 1:
                raise RequestError(Status.INTERNAL, f"A message begins with {flag}, expected 0 or 1")
            self._check(length)
            end = at + _HEAD_SIZE + length
            if end > size:
                break
            content = bytes(self._buffer[at + _HEAD_SIZE : end])
            messages.append(self._decompress(content) if flag else content)
            at = end
        if at:
            self._buffer = self._buffer[at:]
        return messages

    def _decompress(self, content: bytes) -> bytes:
        bits = _WINDOW_BITS.get(self._encoding)
        if bits is None:
            raise RequestError(Status.INTERNAL, "A message is compressed, but grpc-encoding does not say how")
        decompressor = zlib.decompressobj(bits)
        try:
            # One byte more than is allowed tells that it is too much.
            message = decompressor.decompress(content, 0 if self._longest is None else self._longest + 1)
        except zlib.error as error:
            raise RequestError(Status.INTERNAL, f"A message cannot be decompressed: {error}") from None
        self._check(len(message))
        if not decompressor.eof:
            raise RequestError(Status.INTERNAL, "A message cannot be decompressed: its end is missing")
        return message

    def _check(self, length: int) -> None:
        if self._longest is not None and length > self._longest:
            raise RequestError(
                Status.RESOURCE_EXHAUSTED,
                f"SERVER: Received message larger than max ({length} vs. {self._longest})",
            )
