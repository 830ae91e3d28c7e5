"""Constructors that check their values."""

from __future__ import annotations

import functools
import numbers
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from ._codecs import Codecs, codecs_of
from ._schema import (
    EnumType,
    Field,
    MapOf,
    MessageType,
    Repeated,
    Scalar,
    StructType,
    TimestampType,
    UnionOf,
    schema_of,
)

_RANGES = {
    "int64": range(-(2**63), 2**63),
    "uint64": range(2**64),
    "int32": range(-(2**31), 2**31),
    "uint32": range(2**32),
}
_TYPES: dict[str, tuple[tuple[type[Any], ...], str]] = {
    "string": ((str,), "str"),
    "bytes": ((bytes, bytearray, memoryview), "bytes"),
    "bool": ((bool,), "bool"),
    "double": ((numbers.Real,), "float"),
    "float": ((numbers.Real,), "float"),
    **dict.fromkeys(_RANGES, ((numbers.Integral,), "int")),
}


def add_validation(cls: type[Any]) -> None:
    """Let the constructor of a class, generated or written by hand, check what it has set."""
    fields = schema_of(cls).fields
    init = cls.__init__

    @functools.wraps(init)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - becomes the method
        init(self, *args, **kwargs)
        for field in fields:
            value = getattr(self, field.name, None)
            if value is not None:
                check_field(codecs_of(cls), self, field, value, f"{cls.__name__}.{field.name}")

    setattr(cls, "__init__", __init__)  # noqa: B010 - mypy forbids the plain assignment


def check_field(codecs: Codecs, instance: Any, field: Field, value: Any, place: str) -> None:
    """TypeError or ValueError if the value, which is not None, does not fit its field."""
    if not isinstance(field.type, UnionOf):
        check_value(place, field.type, value)
        return
    active = codecs.which(instance, field.name)
    for member in field.type.members:
        if member.name == active and type(value).__name__ != member.wrapper:
            check_value(place, member.type, value)


def check_value(place: str, node: Any, value: Any) -> None:
    """TypeError or ValueError, with the place, if a value that is not None does not fit a schema node."""
    match node:
        case Scalar(kind):
            _check_scalar(place, kind, value)
        case EnumType():
            _check_enum(place, node, value)
        case MessageType():
            _check_message(place, node, value)
        case TimestampType():
            _expect(place, isinstance(value, datetime), "datetime", value)
        case StructType():
            _expect(place, isinstance(value, Mapping), "dict", value)
        case Repeated(item):
            _check_list(place, item, value)
        case MapOf(key, item):
            _expect(place, isinstance(value, Mapping), "dict", value)
            for name, element in value.items():
                check_value(f"key of {place}", key, name)
                check_value(f"{place}[{name!r}]", item, element)


def _check_scalar(place: str, kind: str, value: Any) -> None:
    types, name = _TYPES[kind]
    if kind == "bool" and type(value).__module__ == "numpy":
        value = value.item()
    _expect(place, isinstance(value, types) and not isinstance(value, Enum), name, value)
    limits = _RANGES.get(kind)
    if limits is not None and int(value) not in limits:
        raise ValueError(f"{place}: expected {limits[0]} to {limits[-1]}, got {value}")


def _check_enum(place: str, node: EnumType, value: Any) -> None:
    if isinstance(value, str):
        if value not in node.numbers():
            raise ValueError(f"{place}: expected one of {', '.join(node.numbers())}, got {value!r}")
        return
    number = isinstance(value, numbers.Integral) and not isinstance(value, (bool, Enum))
    _expect(place, isinstance(value, node.cls) or number, node.cls.__name__, value)


def _check_message(place: str, node: MessageType, value: Any) -> None:
    cls = node.cls
    fits = isinstance(value, cls) or getattr(value, "full_name", None) == schema_of(cls).full_name
    # A plain dataclass was declared as the type; and the published sequences accept lists.
    fits = fits or (node.nested is not None and type(value).__name__ == cls.__name__)
    fits = fits or (cls.__name__.endswith("Sequence") and isinstance(value, (list, tuple)))
    _expect(place, fits, cls.__name__, value)


def _check_list(place: str, item: Any, value: Any) -> None:
    array = hasattr(value, "dtype") and getattr(value, "ndim", 0) == 1
    _expect(place, isinstance(value, (list, tuple)) or array, "list", value)
    if array and isinstance(item, Scalar) and item.kind in ("double", "float") and value.dtype.kind in "fiu":
        return
    for position, element in enumerate(value):
        check_value(f"{place}[{position}]", item, element)


def _expect(place: str, fits: bool, expected: str, value: Any) -> None:
    if not fits:
        raise TypeError(f"{place}: expected {expected}, got {type(value).__name__}")
