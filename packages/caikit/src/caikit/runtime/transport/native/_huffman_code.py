"""The code of texts in header blocks (RFC 7541, section 5.2)."""

from __future__ import annotations

from ._frames import COMPRESSION_ERROR, ConnectionFault

_SYMBOLS = {
    5: b"012aceiost",
    6: b" %-./3456789=A_bdfghlmnpru",
    7: b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz",
    8: b"&*,;XZ",
    10: b'!"()?',
    11: b"'+|",
    12: b"#>",
    13: b"\0$@[]~",
    14: b"^}",
    15: b"<`{",
    19: b"\\\xc3\xd0",
    20: b"\x80\x82\x83\xa2\xb8\xc2\xe0\xe2",
    21: b"\x99\xa1\xa7\xac\xb0\xb1\xb3\xd1\xd8\xd9\xe3\xe5\xe6",
    22: b"\x81\x84\x85\x86\x88\x92\x9a\x9c\xa0\xa3\xa4\xa9\xaa\xad\xb2\xb5\xb9\xba\xbb\xbd\xbe\xc4\xc6\xe4\xe8\xe9",
    23: b"\x01\x87\x89\x8a\x8b\x8c\x8d\x8f\x93\x95\x96\x97\x98\x9b\x9d\x9e\xa5\xa6\xa8\xae\xaf\xb4\xb6\xb7\xbc\xbf\xc5\xe7\xef",
    24: b"\t\x8e\x90\x91\x94\x9f\xab\xce\xd7\xe1\xec\xed",
    25: b"\xc7\xcf\xea\xeb",
    26: b"\xc0\xc1\xc8\xc9\xca\xcd\xd2\xd5\xda\xdb\xee\xf0\xf2\xf3\xff",
    27: b"\xcb\xcc\xd3\xd4\xd6\xdd\xde\xdf\xf1\xf4\xf5\xf6\xf7\xf8\xfa\xfb\xfc\xfd\xfe",
    28: b"\2\3\4\5\6\7\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13\x14\x15\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f\xdc\xf9",
    30: b"\n\r\x16",
}
"""By the bits that they take (appendix B). The code is canonical: in this order, each one is the number after the last."""


def decompress(text: bytes) -> bytes:
    """Raises ConnectionFault for what is no text."""
    place, pieces = _START, []
    for byte in text:
        place, piece = place[byte]
        pieces.append(piece)
    if not place.may_end:
        raise _fault()
    return b"".join(pieces)


def _numbered() -> dict[int, int]:
    """Symbols by the bits of their codes, behind a 1 that keeps the zeros in front. There is none for the end of the text,
    which must not come (code 2**30 - 1)."""
    numbered, code, last = {}, 0, 0
    for length, symbols in _SYMBOLS.items():
        code <<= length - last
        for symbol in symbols:
            numbered[1 << length | code] = symbol
            code += 1
        last = length
    return numbered


_BY_BITS = _numbered()
_LONGEST = 1 << 30


class _Place(dict[int, tuple["_Place", bytes]]):
    """Where the decoder is within a code: where each byte leads, which is found when it first comes, and its text."""

    __slots__ = ("_bits", "may_end")

    def __init__(self, bits: int) -> None:
        super().__init__()
        self._bits = bits
        self.may_end = bits < 1 << 8 and not bits & bits + 1
        """What fills the last byte are the first bits of the longest code, all ones."""

    def __missing__(self, byte: int) -> tuple[_Place, bytes]:
        bits, emitted = self._bits, bytearray()
        for shift in range(7, -1, -1):
            bits = bits << 1 | byte >> shift & 1
            symbol = _BY_BITS.get(bits)
            if symbol is not None:
                emitted.append(symbol)
                bits = 1
            elif bits >= _LONGEST:
                raise _fault()
        place = _places.get(bits)
        if place is None:
            place = _places[bits] = _Place(bits)
        step = self[byte] = place, bytes(emitted)
        return step


_START = _Place(1)
_places = {1: _START}


def _fault() -> ConnectionFault:
    return ConnectionFault(COMPRESSION_ERROR, "a text in a header block that cannot be decoded")
