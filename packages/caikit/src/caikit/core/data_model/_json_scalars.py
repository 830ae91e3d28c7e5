"""Lenient readers of single JSON values; each returns the Python value or raises RefusedError."""

from __future__ import annotations

import base64
import binascii
import math
import re
import sys
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from ._json_input import RefusedError
from ._schema import EnumType
from ._timestamp import parse_datetime

INTEGER_RANGES = {
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
}
_TRUE = frozenset(("true", "1", "t", "yes", "y", "on"))
_FALSE = frozenset(("false", "0", "f", "no", "n", "off"))
_DEEPEST = 100
_MOST_WITH_EXPONENT = Decimal(2**64)
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,10}")

LARGEST = {"double": sys.float_info.max, "float": 3.4028234663852886e38}
"""The largest finite number of each kind."""

Reader = Callable[[Any], Any]


def read_string(value: Any) -> str:
    if not isinstance(value, str):
        raise RefusedError("string_type", "Input should be a valid string")
    return value


def read_integer(value: Any) -> int:
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not value.is_integer():
            raise RefusedError(
                "int_from_float", "Input should be a valid integer, got a number with a fractional part"
            )
        return int(value)
    if not isinstance(value, str):
        raise RefusedError("int_type", "Input should be a valid integer")
    try:
        return _integer_of(value.strip())
    except (ValueError, ArithmeticError):
        raise RefusedError(
            "int_parsing", "Input should be a valid integer, unable to parse string as an integer"
        ) from None


def _integer_of(text: str) -> int:
    """Also `1.0` and, as protobuf's JSON form has it, `1.5e3`."""
    if not text.isascii():
        raise ValueError
    if "e" in text or "E" in text:
        number = Decimal(text)
        # The size first: a short text may stand for more digits than memory holds.
        if abs(number) > _MOST_WITH_EXPONENT or number != number.to_integral_value():
            raise ValueError
        return int(number)
    whole, point, fraction = text.partition(".")
    if point and fraction.strip("0"):
        raise ValueError
    return int(whole)


@cache
def integer_reader(kind: str) -> Callable[[Any], int]:
    low, high = INTEGER_RANGES[kind]

    def read(value: Any) -> int:
        number = read_integer(value)
        if number < low:
            raise RefusedError(
                "greater_than_equal", f"Input should be greater than or equal to {low}", {"ge": low}
            )
        if number > high:
            raise RefusedError(
                "less_than_equal", f"Input should be less than or equal to {high}", {"le": high}
            )
        return number

    return read


def read_float(value: Any) -> float:
    if isinstance(value, (int, float)):
        try:
            return float(value)
        except OverflowError:
            raise RefusedError("finite_number", "Input should be a finite number") from None
    if not isinstance(value, str):
        raise RefusedError("float_type", "Input should be a valid number")
    try:
        return float(value)
    except ValueError:
        raise RefusedError(
            "float_parsing", "Input should be a valid number, unable to parse string as a number"
        ) from None


def read_finite(value: Any) -> float:
    number = read_float(value)
    if not math.isfinite(number):
        raise RefusedError("finite_number", "Input should be a finite number")
    return number


def read_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
    elif not isinstance(value, (int, float)):
        raise RefusedError("bool_type", "Input should be a valid boolean")
    raise RefusedError("bool_parsing", "Input should be a valid boolean, unable to interpret input")


def read_bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise RefusedError("bytes_type", "Input should be a valid bytes")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        reason = _base64_problem(value)
    raise RefusedError("value_error", f"Value error, {reason}", {"error": {}})


def _base64_problem(value: str) -> str:
    try:
        base64.b64decode(value)
    except (binascii.Error, ValueError) as error:
        return str(error)
    return "Only base64 data is allowed"


def read_web_bytes(value: Any) -> bytes:
    """Also the URL-safe alphabet and text without padding, as protobuf's JSON form has it."""
    if isinstance(value, str):
        value = value.replace("-", "+").replace("_", "/").rstrip("=")
        value += "=" * (-len(value) % 4)
    return read_bytes(value)


def read_datetime(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise RefusedError("datetime_type", "Input should be a valid datetime")
    try:
        return parse_datetime(value)
    except (ValueError, OverflowError, OSError) as error:
        raise RefusedError("datetime_parsing", f"Input should be a valid datetime, {error}") from None


def read_json_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RefusedError("dict_type", "Input should be an object")
    if _depth_exceeds(value, _DEEPEST):
        raise RefusedError("recursion_loop", f"Input should be nested at most {_DEEPEST} levels deep")
    return value


def read_finite_json_object(value: Any) -> dict[str, Any]:
    content = read_json_object(value)
    if _holds_infinite(content):
        raise RefusedError("finite_number", "Input should hold finite numbers only")
    return content


def _holds_infinite(value: Any) -> bool:
    items = value.values() if isinstance(value, dict) else value
    for item in items:
        kind = item.__class__
        if (kind is float and not math.isfinite(item)) or (kind in (dict, list) and _holds_infinite(item)):
            return True
    return False


def read_single_precision(value: Any) -> float:
    """A finite number that a 32 bit float can hold; more exact ones lose digits on the wire."""
    number = read_finite(value)
    largest = LARGEST["float"]
    if abs(number) > largest:
        raise RefusedError(
            "less_than_equal", f"Input should be between -{largest} and {largest}", {"le": largest}
        )
    return number


def _depth_exceeds(value: Any, limit: int) -> bool:
    if limit == 0:
        return True
    items = value.values() if isinstance(value, dict) else value
    return any(item.__class__ in (dict, list) and _depth_exceeds(item, limit - 1) for item in items)


def make_enum_reader(node: EnumType, members: bool) -> Reader:
    """Names and numbers to members or, as protobuf has it, to any numbers."""
    by_number: dict[int, Any] = {member.value: member for member in node.cls}
    by_name: dict[str, Any] = {name: by_number.get(n, n) for name, n in node.numbers().items()}
    expected = _either([str(number) for number in by_number])
    names = _either([name for name, number in node.numbers().items() if number in by_number])
    low, high = INTEGER_RANGES["int32"]

    def refuse() -> RefusedError:
        return RefusedError("enum", f"Input should be {expected}", {"expected": expected, "names": names})

    def read_member(value: Any) -> Any:
        if isinstance(value, node.cls):
            return value
        table: dict[Any, Any] = by_name if isinstance(value, str) else by_number
        if isinstance(value, bool) or not isinstance(value, (str, int, float)) or value not in table:
            raise refuse()
        return table[value]

    def read_number(value: Any) -> int:
        if isinstance(value, str):
            value = by_name.get(value, value)
        number = getattr(value, "value", value)
        if isinstance(number, str) and _WHOLE_NUMBER.fullmatch(number):
            number = int(number)
        # The range first: it keeps out what is not finite.
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not low <= number <= high:
            raise refuse()
        if number != int(number):
            raise refuse()
        return int(number)

    return read_member if members else read_number


def _either(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1] if words else "")))
