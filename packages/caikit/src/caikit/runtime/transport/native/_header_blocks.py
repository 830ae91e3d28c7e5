"""Header blocks of HTTP/2: those of clients are decoded once, ours need no table."""

from __future__ import annotations

from collections.abc import Iterable

from hpack import Decoder, HPACKError, OversizedHeaderListError
from hpack.table import HeaderTable

from caikit.runtime.transport.http_messages import HeaderList

from ._frames import (
    COMPRESSION_ERROR,
    ENHANCE_YOUR_CALM,
    PROTOCOL_ERROR,
    ConnectionFault,
    StreamFault,
)
from ._heads import Head

_MOST_CACHED = 64
_LONGEST_CACHED = 1024
# Names that only make sense between two neighbours, which HTTP/2 tells in other ways.
_OF_CONNECTIONS = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade")
)
_PSEUDO = frozenset((b":method", b":scheme", b":path", b":authority"))
_FORBIDDEN_BYTES = (b"\0", b"\r", b"\n")
_STATIC = {name: index for index, (name, _) in reversed(list(enumerate(HeaderTable.STATIC_TABLE, 1)))}
_STATIC_STATUS = {
    int(value): index for index, (name, value) in enumerate(HeaderTable.STATIC_TABLE, 1) if name == b":status"
}


class HeadReader:
    """Decodes the blocks of one connection. Equal blocks are decoded once as long as the table is the same."""

    def __init__(self, *, most_bytes: int, scheme: str) -> None:
        self._decoder = Decoder(max_header_list_size=most_bytes)
        self._scheme = scheme
        self._heads: dict[bytes, Head] = {}

    def read(self, block: bytes) -> Head:
        """Raises StreamFault for a request that makes no sense, ConnectionFault when nothing more can be read."""
        head = self._heads.get(block)
        if head is None:
            first, size = self._table_state()
            headers = self.decode(block)
            first_now, size_now = self._table_state()
            if first_now is not first or size_now != size:
                self._heads.clear()
                return _make_head(headers, self._scheme)
            head = _make_head(headers, self._scheme)
            if len(block) <= _LONGEST_CACHED:
                if len(self._heads) >= _MOST_CACHED:
                    self._heads.clear()
                self._heads[block] = head
        return head

    def decode(self, block: bytes) -> HeaderList:
        try:
            return [(bytes(name), bytes(value)) for name, value in self._decoder.decode(block, raw=True)]
        except OversizedHeaderListError:
            raise ConnectionFault(
                ENHANCE_YOUR_CALM, f"The headers are larger than {self._decoder.max_header_list_size} bytes"
            ) from None
        except HPACKError:
            raise ConnectionFault(COMPRESSION_ERROR, "a header block that cannot be decoded") from None

    def _table_state(self) -> tuple[object, tuple[int, int]]:
        """Changes when the table does: what is put in becomes its first entry."""
        table = self._decoder.header_table
        entries = table.dynamic_entries
        return entries[0] if entries else None, (len(entries), table.maxsize)


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
    for name, value in headers:
        if name.startswith(b":"):
            if regular or name in pseudo or name not in _PSEUDO:
                raise StreamFault(PROTOCOL_ERROR, "pseudo headers out of place")
            pseudo[name] = value
        else:
            regular.append((name, value))
    _check(headers, regular)
    method, path = pseudo.get(b":method"), pseudo.get(b":path")
    if not method or not path or b":scheme" not in pseudo or not path.startswith((b"/", b"*")):
        raise StreamFault(PROTOCOL_ERROR, "a request without method, path or scheme")
    authority = pseudo.get(b":authority")
    if authority is not None:
        regular.append((b"host", authority))
    bare, _, query = path.partition(b"?")
    return Head(method.decode("latin-1"), (bare, query), scheme, regular, "2")


def _check(headers: HeaderList, regular: HeaderList) -> None:
    lengths = set()
    for name, value in regular:
        if name in _OF_CONNECTIONS or not name or name != name.lower():
            raise StreamFault(PROTOCOL_ERROR, "a header that must not be sent")
        if name == b"te" and value != b"trailers":
            raise StreamFault(PROTOCOL_ERROR, "a transfer encoding that must not be sent")
        if name == b"content-length":
            lengths.add(value)
    for name, value in headers:
        if any(byte in value or byte in name for byte in _FORBIDDEN_BYTES):
            raise StreamFault(PROTOCOL_ERROR, "a header with control characters")
    if len(lengths) > 1 or not all(value.isdigit() for value in lengths):
        raise StreamFault(PROTOCOL_ERROR, "a length that makes no sense")
