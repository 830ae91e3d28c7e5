"""Header blocks of HTTP/2: those of clients are decoded once, ours need no table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain

from caikit.runtime.transport.http_messages import HeaderList

from ._frames import ENHANCE_YOUR_CALM, PROTOCOL_ERROR, StreamFault
from ._header_decoder import HeaderDecoder, HeadTooLargeError
from ._heads import Head
from ._static_table import STATIC_TABLE

__all__ = ["HeadReader", "HeadTooLargeError", "encode_headers", "encode_status"]

_MOST_CACHED = 64
# About so many names.
_MOST_VARYING = 32
_LONGEST_CACHED = 1024
# Names that only make sense between two neighbours, which HTTP/2 tells in other ways.
_OF_CONNECTIONS = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade")
)
_PSEUDO = frozenset((b":method", b":scheme", b":path", b":authority"))
# What decides how a request is served, or may be sent only once or with certain values.
_DECISIVE = _OF_CONNECTIONS.union(
    _PSEUDO,
    (b"accept", b"authorization", b"content-encoding", b"content-type", b"expect", b"host", b"te"),
    (b"grpc-accept-encoding", b"grpc-encoding"),
)
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_FORBIDDEN_BYTE = re.compile(rb"[\0\r\n]")
_STATIC = {name: index for index, (name, _) in reversed(list(enumerate(STATIC_TABLE, 1)))}
_STATIC_STATUS = {
    int(value): index for index, (name, value) in enumerate(STATIC_TABLE, 1) if name == b":status"
}
# Names about which there is nothing to check.
_USUAL = frozenset(_STATIC).difference(_PSEUDO, (b":status", b"transfer-encoding", b"content-length"))


class HeadReader:
    """Decodes the blocks of one connection.

    Equal blocks are decoded once as long as the table is the same. Of those that differ in a few headers that say
    nothing about how the request is served (identifiers, time-outs, lengths), only these are looked at.
    """

    def __init__(self, *, most_bytes: int, scheme: str) -> None:
        self._decoder = HeaderDecoder(most_bytes=most_bytes)
        self._scheme = scheme
        self._heads: dict[bytes, Head] = {}
        self._changes = 0
        """Of the table, when the heads above were read."""
        self._bases: dict[tuple[tuple[bytes, bytes], ...], Head] = {}
        """Heads by their headers, without those that vary."""
        self._varying: set[bytes] = set()
        """Names of headers that were seen to differ between requests for the same path."""
        self._last: Head | None = None

    def read(self, block: bytes) -> Head:
        """Raises StreamFault for a request that makes no sense, otherwise as `HeaderDecoder.decode`."""
        decoder = self._decoder
        head = self._heads.get(block) if decoder.changes == self._changes else None
        if head is None:
            before = decoder.changes
            head = self._make(decoder.decode(block), keep=len(block) <= _LONGEST_CACHED)
            if decoder.changes == before and not head.varied:
                self._keep(block, head)
        return head

    def _make(self, headers: HeaderList, *, keep: bool) -> Head:
        varying = self._varying
        varied = [header for header in headers if header[0] in varying]
        steady = [header for header in headers if header[0] not in varying] if varied else headers
        key = tuple(steady)
        base = self._bases.get(key)
        if base is None:
            base = _make_head(steady, self._scheme)
            self._learn(base)
            if keep:
                if len(self._bases) >= _MOST_CACHED:
                    self._bases.clear()
                self._bases[key] = base
        if not varied:
            return base
        if headers[base.pseudo - 1] != steady[base.pseudo - 1]:
            raise _out_of_place()
        _check_bytes(varied)
        head = base.vary(varied)
        if head.length is not None:
            _check_length(head.headers)
        return head

    def _learn(self, head: Head) -> None:
        last, self._last = self._last, head
        if last is not None and last.raw_path == head.raw_path and len(self._varying) < _MOST_VARYING:
            changed = set(last.headers).symmetric_difference(head.headers)
            self._varying.update(name for name, _ in changed if name not in _DECISIVE)

    def read_trailers(self, block: bytes) -> None:
        """Nobody uses them, but they may make no sense."""
        try:
            headers = self._decoder.decode(block)
        except HeadTooLargeError as error:
            raise StreamFault(ENHANCE_YOUR_CALM, str(error)) from None
        for header in headers:
            _check(*header)
        _check_bytes(headers)

    def _keep(self, block: bytes, head: Head) -> None:
        changes = self._decoder.changes
        if changes != self._changes or len(self._heads) >= _MOST_CACHED:
            self._changes = changes
            self._heads.clear()
        if len(block) <= _LONGEST_CACHED:
            self._heads[block] = head


def encode_headers(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A block that neither uses nor changes a table of the connection."""
    return b"".join([_encode_header(name, value) for name, value in headers])


def encode_status(status: int) -> bytes:
    index = _STATIC_STATUS.get(status)
    return _encode_header(b":status", b"%d" % status) if index is None else bytes([0x80 | index])


def _encode_header(name: bytes, value: bytes) -> bytes:
    index = _STATIC.get(name)
    start = b"\0" + _encode_text(name) if index is None else _encode_number(index, 4)
    return start + _encode_text(value)


def _encode_text(text: bytes) -> bytes:
    return _encode_number(len(text), 7) + text


def _encode_number(number: int, bits: int) -> bytes:
    most = (1 << bits) - 1
    if number < most:
        return bytes([number])
    out = bytearray([most])
    number -= most
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _make_head(headers: HeaderList, scheme: str) -> Head:
    pseudo: dict[bytes, bytes] = {}
    regular: HeaderList = []
    for header in headers:
        name = header[0]
        if name in _USUAL:
            regular.append(header)
        elif name.startswith(b":"):
            if regular or name in pseudo or name not in _PSEUDO:
                raise _out_of_place()
            pseudo[name] = header[1]
        else:
            _check(*header)
            regular.append(header)
    _check_bytes(headers)
    method, path = pseudo.get(b":method"), pseudo.get(b":path")
    if not method or not path or b":scheme" not in pseudo or not path.startswith((b"/", b"*")):
        raise StreamFault(PROTOCOL_ERROR, "a request without method, path or scheme")
    authority = pseudo.get(b":authority")
    if authority is not None:
        regular.append((b"host", authority))
    bare, _, query = path.partition(b"?")
    head = Head(method.decode("latin-1"), (bare, query), scheme, regular, "2")
    head.pseudo = len(pseudo)
    if head.length is not None:
        _check_length(regular)
    return head


def _out_of_place() -> StreamFault:
    return StreamFault(PROTOCOL_ERROR, "pseudo headers out of place")


def _check_length(headers: HeaderList) -> None:
    values = {value for name, value in headers if name == b"content-length"}
    if len(values) > 1 or not all(map(bytes.isdigit, values)):
        raise StreamFault(PROTOCOL_ERROR, "a length that makes no sense")


def _check_bytes(headers: HeaderList) -> None:
    if _FORBIDDEN_BYTE.search(b"".join(chain.from_iterable(headers))):
        raise StreamFault(PROTOCOL_ERROR, "a header with control characters")


def _check(name: bytes, value: bytes) -> None:
    if name in _OF_CONNECTIONS or not _NAME.fullmatch(name):
        raise StreamFault(PROTOCOL_ERROR, "a header that must not be sent")
    if name == b"te" and value != b"trailers":
        raise StreamFault(PROTOCOL_ERROR, "a transfer encoding that must not be sent")
