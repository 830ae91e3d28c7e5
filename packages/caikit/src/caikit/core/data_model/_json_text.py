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
"""What `plain_text` raises for values that only json.dumps writes, or says what is wrong with."""


class Finished:
    """Text of JSON among plain values."""

    __slots__ = ("text",)

    def __init__(self, text: bytes) -> None:
        self.text = text


def json_default(value: Any) -> Any:
    """What json.dumps does not know itself."""
    if isinstance(value, datetime):
        return datetime_to_json(value)
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Finished):
        return orjson.Fragment(value.text)
    raise TypeError(f"Object of type {type(value)} is not JSON serializable")


def plain_text(plain: Any) -> str:
    """The text of what a generated writer has made; raises one of `UNENCODABLE`."""
    text = _with_blanks(compact(plain, json_default, _OPTIONS), indent=0)
    return text.decode() if text.isascii() and b"\x7f" not in text else _escaped(text)


compact = orjson.dumps
_with_blanks: Callable[..., bytes] = msgspec.json.format


def _escaped(text: bytes) -> str:
    return _BEYOND_ASCII.sub(lambda found: string_text(found[0])[1:-1], text.decode())


string_text: Callable[[str], str] = encoder.encode_basestring_ascii
"""A text with its quotation marks; what is beyond ASCII becomes escapes."""

_make_encoder: Any = getattr(encoder, "c_make_encoder", None)
# markers, default, encoder, indent, key separator, item separator, sort keys, skip other keys, allow NaN
_chunks = _make_encoder and _make_encoder(
    None, json_default, string_text, None, ": ", ", ", False, False, True
)


def _text_of(value: Any) -> str:
    return "".join(_chunks(value, 0))


text_of: Callable[[Any], str] = _text_of if _chunks else json.JSONEncoder(default=json_default).encode
"""Any JSON value."""


def verbatim(value: Any) -> Any:
    """A value of any content, for `plain_text`: its text is made here and now."""
    return None if value is None else Finished(text_of(value).encode("ascii"))


def number(value: Any) -> Any:
    """A number for `plain_text`, which spells very large and very small ones differently."""
    if not isinstance(value, float):
        return value
    if value == 0 or 1e-4 <= value < 1e16 or -1e16 < value <= -1e-4:
        return float(value)
    return orjson.Fragment(text_of(value))


def numbers(values: Any) -> Any:
    """A list of floating point numbers among plain values."""
    return None if values is None else Finished(numbers_text(values).encode("ascii"))


def numbers_text(values: Any) -> str:
    """A list of floating point numbers; an array counts as the list of its elements."""
    if values is None or isinstance(values, str):
        return text_of(values)
    if values.__class__ is not list:
        if getattr(values, "ndim", 0) == 1 and values.dtype.kind == "f":
            return _array_text(values)
        values = plain_list(values)
    text = compact(values, json_default, _OPTIONS)
    if text.find(b"[", 1) > 0 or b'"' in text or b"n" in text or b"u" in text or b"s" in text or b"{" in text:
        # A list, a string, null (also for NaN), true, false or an object: nothing that a comma can be trusted in.
        return text_of(values)
    return _respelled(text, may_be_small=True)


def _array_text(values: Any) -> str:
    # Single precision has fewer digits than the same number in double precision, which Python writes.
    doubles = values.astype("float64", order="C", copy=False)
    text = compact(doubles, json_default, _OPTIONS | orjson.OPT_SERIALIZE_NUMPY)
    if b"n" in text:
        return text_of(values.tolist())
    return _respelled(text, may_be_small=len(doubles) > 0 and abs(doubles).min() < 1e-4)


def _respelled(text: bytes, *, may_be_small: bool) -> str:
    # Python writes some numbers with an exponent that orjson writes without one, and exponents differently.
    if may_be_small:
        text = _with_repr(text, b"0.0000")
    text = _with_repr(text, b"e")
    return text.replace(b",", b", ").decode()


def _with_repr(text: bytes, sign: bytes) -> bytes:
    """The list with every number that contains the sign as Python writes it."""
    found = text.find(sign)
    if found < 0:
        return text
    parts = []
    done = 0
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
