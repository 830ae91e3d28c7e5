"""JSON text, exactly as json.dumps writes it, at the speed of orjson."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import datetime
from json import encoder
from typing import Any

import msgspec
import orjson

from ._timestamp import datetime_to_json

_OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
_BEYOND_ASCII = re.compile(r"[^\x00-\x7e]+")

UNENCODABLE = (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError)
"""What `encode` raises for values that only json.dumps writes, or says what is wrong with."""


def json_default(value: Any) -> Any:
    """What json.dumps does not know itself."""
    if isinstance(value, datetime):
        return datetime_to_json(value)
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"Object of type {type(value)} is not JSON serializable")


def encode(plain: Any) -> bytes:
    """The text of what a generated writer has made."""
    text: bytes = msgspec.json.format(orjson.dumps(plain, json_default, _OPTIONS), indent=0)
    return text if text.isascii() and b"\x7f" not in text else _escaped(text)


def _escaped(text: bytes) -> bytes:
    return _BEYOND_ASCII.sub(lambda found: _string_text(found[0])[1:-1], text.decode()).encode("ascii")


_string_text: Callable[[str], str] = encoder.encode_basestring_ascii

_make_encoder: Any = getattr(encoder, "c_make_encoder", None)
# markers, default, encoder, indent, key separator, item separator, sort keys, skip other keys, allow NaN
_chunks = _make_encoder and _make_encoder(
    None, json_default, _string_text, None, ": ", ", ", False, False, True
)


def _text_of(value: Any) -> str:
    return "".join(_chunks(value, 0))


text_of: Callable[[Any], str] = _text_of if _chunks else json.JSONEncoder(default=json_default).encode
"""Any JSON value."""


def verbatim(value: Any) -> Any:
    """A value of any content, for `encode`: its text is made here and now."""
    return None if value is None else orjson.Fragment(text_of(value))


def fragment(text: str) -> Any:
    """JSON text for `encode`."""
    return orjson.Fragment(str(text))


def number(value: Any) -> Any:
    """A number for `encode`, which spells very large and very small ones differently."""
    if not isinstance(value, float):
        return value
    if value == 0 or 1e-4 <= value < 1e16 or -1e16 < value <= -1e-4:
        return float(value)
    return orjson.Fragment(text_of(value))


def numbers(values: Any) -> Any:
    """A list of floating point numbers for `encode`; an array counts as the list of its elements."""
    if values.__class__ is list:
        text = orjson.dumps(values, json_default, _OPTIONS)
    elif values is None or isinstance(values, str):
        return values
    elif hasattr(values, "tolist"):
        text = _array_text(values)
    else:
        text = orjson.dumps(list(values), json_default, _OPTIONS)
    if text.find(b"[", 1) > 0 or b'"' in text or b"n" in text or b"u" in text or b"{" in text:
        # A list, a string, null (also for NaN), true or an object: nothing that a comma can be trusted in.
        return verbatim(plain_list(values))
    # Python writes some numbers with an exponent that orjson writes without one, and exponents differently.
    if b"0.0000" in text:
        text = _respelled(text, b"0.0000")
    if b"e" in text:
        if b"s" in text:
            return verbatim(plain_list(values))
        text = _respelled(text, b"e")
    return orjson.Fragment(text)


def _array_text(values: Any) -> bytes:
    if values.ndim == 1 and values.dtype.kind == "f":
        # Single precision has fewer digits than the same number in double precision, which Python writes.
        doubles = values.astype("float64", order="C", copy=False)
        return orjson.dumps(doubles, json_default, _OPTIONS | orjson.OPT_SERIALIZE_NUMPY)
    return orjson.dumps(values.tolist(), json_default, _OPTIONS)


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


def plain_list(values: Any) -> Any:
    """Arrays and other iterables as lists."""
    if values is None or isinstance(values, (str, list, tuple)):
        return values
    return values.tolist() if hasattr(values, "tolist") else list(values)


def bytes_text(value: Any) -> Any:
    """Base64 of bytes."""
    return base64.b64encode(value).decode("ascii") if isinstance(value, (bytes, bytearray)) else value


def key_text(key: Any) -> str:
    """A key of a JSON object."""
    return key if isinstance(key, str) else text_of({key: 0})[2:-5]
