"""Messages of gRPC: five bytes, then the content, which may be compressed."""

from __future__ import annotations

import zlib

from caikit.runtime.engine import Reason, RequestError, Status

IDENTITY = b"identity"
ENCODINGS = b"identity,deflate,gzip"
_WINDOW_BITS = {b"gzip": 16 + zlib.MAX_WBITS, b"deflate": zlib.MAX_WBITS}
_HEAD_SIZE = 5
_PLAIN = b"\0"
_COMPRESSED = b"\1"


class Compressed(bytes):
    """The content of a message as it came."""


def knows_encoding(encoding: bytes) -> bool:
    return encoding in _WINDOW_BITS or encoding == IDENTITY


def pack(message: bytes) -> bytes:
    return _PLAIN + len(message).to_bytes(4, "big") + message


def pack_compressed(message: bytes, encoding: bytes) -> bytes:
    """As it is if it would not become smaller."""
    compressor = zlib.compressobj(wbits=_WINDOW_BITS[encoding])
    content = compressor.compress(message) + compressor.flush()
    if len(content) >= len(message):
        return pack(message)
    return _COMPRESSED + len(content).to_bytes(4, "big") + content


def decompress(content: bytes, *, encoding: bytes, longest: int | None) -> bytes:
    """Raises RequestError for what cannot be decompressed, or is too large."""
    decompressor = zlib.decompressobj(_WINDOW_BITS[encoding])
    try:
        # One byte more than is allowed tells that it is too much.
        message = decompressor.decompress(content, 0 if longest is None else longest + 1)
    except zlib.error as error:
        raise RequestError(Status.INTERNAL, f"A message cannot be decompressed: {error}") from None
    check_length(len(message), longest)
    if not decompressor.eof:
        raise RequestError(Status.INTERNAL, "A message cannot be decompressed: its end is missing")
    if decompressor.unused_data:
        raise RequestError(Status.INTERNAL, "A message cannot be decompressed: something follows its end")
    return message


def check_length(length: int, longest: int | None) -> None:
    if longest is not None and length > longest:
        raise RequestError(
            Status.RESOURCE_EXHAUSTED,
            f"SERVER: Received message larger than max ({length} vs. {longest})",
            reason=Reason.TOO_LARGE,
        )


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
        """The messages that are complete now; those that are compressed are told by their class."""
        if not self._buffer and data.startswith(_PLAIN):
            size = len(data) - _HEAD_SIZE
            if size >= 0 and int.from_bytes(data[1:_HEAD_SIZE], "big") == size:
                if self._longest is not None and size > self._longest:
                    check_length(size, self._longest)
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
            check_length(length, self._longest)
            end = at + _HEAD_SIZE + length
            if end > size:
                break
            content = bytes(self._buffer[at + _HEAD_SIZE : end])
            messages.append(self._keep_compressed(content) if flag else content)
            at = end
        if at:
            self._buffer = self._buffer[at:]
        return messages

    def _keep_compressed(self, content: bytes) -> Compressed:
        if self._encoding not in _WINDOW_BITS:
            raise RequestError(Status.INTERNAL, "A message is compressed, but grpc-encoding does not say how")
        return Compressed(content)
