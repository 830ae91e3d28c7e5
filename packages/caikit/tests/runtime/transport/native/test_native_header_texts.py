"""The constants of header compression, and texts in its code, beside those of a well-known decoder."""

from __future__ import annotations

import random

import pytest
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

from caikit.runtime.transport.native._frames import ConnectionFault
from caikit.runtime.transport.native._huffman_code import decompress
from caikit.runtime.transport.native._static_table import STATIC_TABLE

ENCODER = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
ALL = bytes(range(256))


def test_static_table():
    assert tuple(HeaderTable.STATIC_TABLE) == STATIC_TABLE


def test_every_byte_in_every_place():
    for start in range(256):
        text = ALL[start:] + ALL[:start]
        assert decompress(ENCODER.encode(text)) == text
    assert decompress(b"") == b""


@pytest.mark.parametrize(
    "text",
    [
        b"\xff",  # eight bits to fill up, where seven are enough
        b"\x1f\xff",  # the same behind a text
        b"\x18",  # filled up with zeros
        b"\xff\xff\xff\xff",  # the end of the text, which never comes
        b"\x1c\x7f\xff\xff\xff",  # the same behind a text
    ],
)
def test_texts_that_are_none(text):
    with pytest.raises(ConnectionFault):
        decompress(text)


def test_damaged_texts_are_read_alike():
    dice = random.Random(7541)
    refused = 0
    for _ in range(5000):
        text = bytearray(ENCODER.encode(dice.randbytes(dice.randint(0, 6))) + b"\xff" * dice.randint(0, 2))
        if text:
            text[dice.randrange(len(text))] ^= 1 << dice.randrange(8)
        assert _read(text) == _read_by_reference(text), text
        refused += _read(text) is None
    assert 1000 < refused < 4000


def _read(text: bytearray) -> bytes | None:
    try:
        return decompress(bytes(text))
    except ConnectionFault:
        return None


def _read_by_reference(text: bytearray) -> bytes | None:
    try:
        return bytes(decode_huffman(bytes(text)))
    except Exception:
        return None
