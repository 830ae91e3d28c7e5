"""Conversions of single values between Python and protobuf that generated code calls."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage

from . import _registry
from ._json_dict import fill_struct, struct_to_dict
from ._timestamp import fill_timestamp, proto_to_datetime

PACKED_TYPES = {
    "double": "<f8",
    "float": "<f4",
    "int64": "<i8",
    "uint64": "<u8",
    "int32": "<i4",
    "uint32": "<u4",
    "bool": "?",
}
"""Numeric kinds and the array type of their values."""

INTEGERS = frozenset(("int64", "uint64", "int32", "uint32"))
_FIXED_WIDTH = {"double": 8, "float": 4}


def enum_number(value: Any) -> Any:
    """What an enum field of a message accepts for this value."""
    return value.value if isinstance(value, Enum) else value


def enum_value(value: Any, numbers: Mapping[str, int]) -> Any:
    """The number of an enum member, a name or a number."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        try:
            return numbers[value]
        except KeyError:
            raise ValueError(f"unknown enum name {value!r}, expected one of {', '.join(numbers)}") from None
    return value


def integer(value: Any) -> Any:
    """A bool as int, everything else as it is."""
    return int(value) if value.__class__ is bool else value


def map_items(value: Any) -> Any:
    """The entries of a dictionary."""
    if not hasattr(value, "items"):
        raise TypeError(f"expected a dict, got {type(value).__name__}")
    return value.items()


def extend_integers(target: Any, values: list[Any]) -> None:
    """Append integers, among them possibly bools."""
    before = len(target)
    try:
        target.extend(values)
    except TypeError:
        del target[before:]
        target.extend([integer(value) for value in values])


def extend_numbers(message: Any, target: Any, number: int, kind: str, value: Any) -> None:
    """Append numbers to a list of a message; arrays are copied as a block where the wire allows it."""
    np = sys.modules.get("numpy")
    if np is None or not isinstance(value, np.ndarray) or value.ndim != 1:
        if kind in INTEGERS:
            extend_integers(target, list(value))
        else:
            target.extend(value)
    elif kind in _FIXED_WIDTH and value.dtype.kind == "f":
        # A float64 array in a float field rounds, as it would element by element.
        data = np.ascontiguousarray(value, dtype=PACKED_TYPES[kind]).tobytes()
        message.MergeFromString(_length_delimited(number, data))
    else:
        target.extend(value.tolist())


def _length_delimited(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def write_timestamp(message: Any, value: Any) -> None:
    if not isinstance(value, datetime):
        raise TypeError(f"expected a datetime, got {type(value)}")
    fill_timestamp(message, value)


def write_struct(message: Any, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(f"expected a dict, got {type(value)}")
    fill_struct(message, value)


def write_any(message: Any, value: Any) -> None:
    """Pack a data object; an Any of unknown content is copied, None leaves the message empty."""
    if isinstance(value, AnyMessage):
        message.CopyFrom(value)
    elif hasattr(value, "to_proto"):
        message.Pack(value.to_proto())
    elif value is not None:
        raise TypeError(f"expected a data object, got {type(value).__name__}")


def read_any(message: Any) -> Any:
    """The data object in an Any; the Any itself if its type is not known here."""
    name = message.type_url.rpartition("/")[2]
    if not name:
        return None
    cls = _registry.find(name)
    return message if cls is None else cls.from_binary_buffer(message.value)


def read_timestamp(message: Any, place: str) -> datetime:
    try:
        return proto_to_datetime(message)
    except ValueError as error:
        raise ValueError(f"{error} at {place}") from None


read_struct = struct_to_dict
