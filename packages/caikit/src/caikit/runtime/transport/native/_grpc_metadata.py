"""What travels in the headers of gRPC: metadata, time-outs, statuses."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from functools import lru_cache

from caikit.runtime.engine import REQUEST_ID_HEADER, Status
from caikit.runtime.transport.http_messages import HeaderList

from ._header_blocks import encode_headers, encode_status

Value = str | bytes
Metadata = tuple[tuple[str, Value], ...]

RESPONSE_BLOCK = encode_status(200) + encode_headers([(b"content-type", b"application/grpc")])
"""The headers of every answer, as far as no metadata follows."""


def response_block(encoding: bytes | None) -> bytes:
    """The same for an answer whose messages may be compressed."""
    return RESPONSE_BLOCK if encoding is None else _COMPRESSED_BLOCKS[encoding]


_COMPRESSED_BLOCKS = {
    encoding: RESPONSE_BLOCK + encode_headers([(b"grpc-encoding", encoding)])
    for encoding in (b"deflate", b"gzip")
}

_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_TIMEOUT = re.compile(rb"([0-9]{1,8})([HMSmun])")
_NAME = re.compile("[0-9a-z_.-]+")
_OF_PROTOCOL = frozenset(
    (
        *("te", "content-type", "content-length", "host", "accept-encoding"),
        *("connection", "expect", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"),
    )
)
_PRINTABLE = frozenset(range(0x20, 0x7F)) - {ord("%")}
_BINARY = "-bin"
_REQUEST_ID = REQUEST_ID_HEADER.encode()
# The length of a text that fits into one byte.
_SHORT = 126
_REQUEST_ID_START = encode_headers(((_REQUEST_ID, b""),))[:-1]
# Clients accept 8 KiB of headers, and a byte that is not plain takes three times the space.
_LONGEST_DETAILS = 2000
MOST_METADATA_BYTES = 1 << 20
"""Names and values that a model may send at once, as HTTP/2 counts them: what a header costs comes on top."""
_COST = 32


class MetadataError(ValueError):
    """Raised for metadata that cannot be read or sent."""


def read_metadata(headers: HeaderList) -> Metadata:
    found: list[tuple[str, Value]] = []
    for raw_name, raw_value in headers:
        name = _read_short_name(raw_name) if len(raw_name) <= _SHORT_NAME else _read_name(raw_name)
        if name is None:
            continue
        if name.endswith(_BINARY):
            found.extend((name, _decode(name, part)) for part in raw_value.split(b","))
        else:
            found.append((name, raw_value.decode("latin-1")))
    return tuple(found)


def _read_name(raw_name: bytes) -> str | None:
    """None for what is no metadata."""
    name = raw_name.decode("latin-1")
    return None if name in _OF_PROTOCOL or name.startswith("grpc-") else name


_SHORT_NAME = 64
_read_short_name = lru_cache(256)(_read_name)


def write_metadata(metadata: Iterable[tuple[str, Value]]) -> bytes:
    """The header block of metadata that a model sends."""
    headers: HeaderList = []
    for name, value in metadata:
        if not _NAME.fullmatch(name) or name.startswith("grpc-") or name in _OF_PROTOCOL:
            raise MetadataError(f"expected a name of metadata, got {name!r}")
        if name.endswith(_BINARY):
            content = value.encode() if isinstance(value, str) else bytes(value)
            headers.append((name.encode(), base64.b64encode(content).rstrip(b"=")))
            continue
        text = value if isinstance(value, str) else bytes(value).decode("latin-1")
        if not (text.isascii() and text.isprintable()):
            raise MetadataError(f"expected printable ASCII as metadata {name}, got {text!r}")
        headers.append((name.encode(), text.encode()))
    size = sum([len(name) + len(content) + _COST for name, content in headers])
    if size > MOST_METADATA_BYTES:
        raise MetadataError(f"expected at most {MOST_METADATA_BYTES} bytes of metadata, got {size}")
    return encode_headers(headers)


def write_request_id(request_id: str) -> bytes:
    value = request_id.encode()
    if len(value) > _SHORT:
        return encode_headers(((_REQUEST_ID, value),))
    # Done for each call.
    return b"%b%c%b" % (_REQUEST_ID_START, len(value), value)


def read_timeout(value: bytes) -> float | None:
    """Seconds; None for what is no time-out."""
    found = _TIMEOUT.fullmatch(value)
    return None if found is None else int(found[1]) * _UNITS[found[2].decode()]


def write_status(status: Status, details: str = "") -> bytes:
    headers = [(b"grpc-status", b"%d" % status.value)]
    if details:
        headers.append((b"grpc-message", _quote(_cut(details))))
    return encode_headers(headers)


def _decode(name: str, value: bytes) -> bytes:
    value = value.strip()
    try:
        return base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except binascii.Error as error:
        raise MetadataError(f"Metadata {name}: expected base64, {error}") from None


def _quote(text: bytes) -> bytes:
    return b"".join(bytes((byte,)) if byte in _PRINTABLE else b"%%%02X" % byte for byte in text)


def _cut(details: str) -> bytes:
    encoded = details.encode("utf-8", "replace")
    if len(encoded) <= _LONGEST_DETAILS:
        return encoded
    return encoded[:_LONGEST_DETAILS].decode("utf-8", "ignore").encode() + b"..."
