"""Text of single JSON values, exactly as json.dumps writes them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime
from json import encoder
from typing import Any

import msgspec

from ._timestamp import datetime_to_json


def json_default(value: Any) -> Any:
    """What json.dumps does not know itself."""
    if isinstance(value, datetime):
        return datetime_to_json(value)
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"Object of type {type(value)} is not JSON serializable")


string_text: Callable[[str], str] = encoder.encode_basestring_ascii

_make_encoder: Any = getattr(encoder, "c_make_encoder", None)
# markers, default, encoder, indent, key separator, item separator, sort keys, skip other keys, allow NaN
_chunks = _make_encoder and _make_encoder(
    None, json_default, string_text, None, ": ", ", ", False, False, True
)


def _text_of(value: Any) -> str:
    return "".join(_chunks(value, 0))


text_of: Callable[[Any], str] = _text_of if _chunks else json.JSONEncoder(default=json_default).encode
"""Any JSON value."""

encode_float: Callable[[float], bytes] = msgspec.json.encode
"""Shortest digits; the spelling is Python's from 1e-4 up to 1e16."""


def float_text(value: float) -> str:
    """Any float, in the spelling of Python."""
    if 1e-4 <= value < 1e16 or -1e16 < value <= -1e-4:
        return encode_float(value).decode()
    return text_of(value)


def _respelled(text: bytes, sign: bytes) -> bytes:
    """The list with every number that contains the sign as Python writes it."""
    parts = []
    done = 0
    found = text.find(sign)
    while found >= 0:
        start = text.rfind(b",", done, found) + 1 or 1
        end = text.find(b",", found)
        end = len(text) - 1 if end < 0 else end
        parts += [text[done:start], repr(float(text[start:end])).encode("ascii")]
        done = end
        found = text.find(sign, end)
    return b"".join([*parts, text[done:]])


def numbers_text(values: Any) -> str:
    """A list of numbers; an array counts as the list of its elements."""
    if values is None:
        return "null"
    if values.__class__ is not list:
        values = values.tolist() if hasattr(values, "tolist") else values
        if values.__class__ is not list:
            return text_of(values if isinstance(values, (str, tuple)) else list(values))
    try:
        text = msgspec.json.encode(values)
    except (TypeError, ValueError, OverflowError):
        return text_of(values)
    if b'"' in text or b"u" in text or b"{" in text or text.find(b"[", 1) > 0:
        # A string, null (also for NaN), true, an object or a list: nothing that a comma can be trusted in.
        return text_of(values)
    # Python writes some numbers with an exponent that msgspec writes without one, and exponents differently.
    if b"0.0000" in text:
        text = _respelled(text, b"0.0000")
    if b"e" in text:
        if b"s" in text:
            return text_of(values)
        text = _respelled(text, b"e")
    return text.replace(b",", b", ").decode("ascii")


def strings_text(values: Any) -> str:
    """A list of strings."""
    try:
        return (
            f"[{', '.join(map(string_text, values))}]" if values.__class__ is list else text_of(plain(values))
        )
    except TypeError:
        return text_of(values)


def plain(values: Any) -> Any:
    if values is None or isinstance(values, (str, list, tuple)):
        return values
    return values.tolist() if hasattr(values, "tolist") else list(values)


def bytes_text(value: Any) -> str:
    return f'"{base64.b64encode(value).decode("ascii")}"' if isinstance(value, bytes) else text_of(value)


def object_text(value: Any) -> str:
    """A data object; None and things that are no data objects as json.dumps writes them."""
    write = getattr(value, "_json_text", None)
    text: str = text_of(value) if write is None else write()
    return text


def key_text(key: Any) -> str:
    """A key of a JSON object."""
    return string_text(key) if isinstance(key, str) else text_of({key: 0})[1:-4]
