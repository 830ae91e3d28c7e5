"""JSON values that are checked against the types of a request, before they are sent as protobuf."""

from __future__ import annotations

import base64
import binascii
import difflib
from collections.abc import Mapping
from typing import Any

from ._errors import UsageError
from ._types import Enum, Field, ListOf, MapOf, Message, Scalar, Type, Union, last_part, list_in

_NAMES = {bool: "bool", int: "int", float: "float", str: "str", list: "list", dict: "object"}
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")


def fit_fields(fields: Mapping[str, Field], value: Any, where: str = "") -> dict[str, Any]:
    """A JSON object for these fields, with the members of unions under their own names.

    `UsageError` says what does not fit, and where.
    """
    if not isinstance(value, dict):
        raise _misfit("an object", value, where)
    fitted: dict[str, Any] = {}
    for key, item in value.items():
        field = find_field(fields, key, where)
        if item is None:
            continue
        place = join(where, key)
        if isinstance(field.type, Union):
            member = _choose(field.type, item, place)
            fitted[member.name] = fit(member.type, item, place)
        else:
            fitted[field.name] = fit(field.type, item, place)
    return fitted


def find_field(fields: Mapping[str, Field], key: str, where: str = "") -> Field:
    """The field of this name, or the member of a union."""
    if key in fields:
        return fields[key]
    for field in fields.values():
        if isinstance(field.type, Union):
            for member in field.type.members:
                if key and member.name == key:
                    return member
    raise UsageError(f"{join(where, key)}: there is no such field{_hint(fields, key)}")


def fit(type_: Type, value: Any, where: str) -> Any:
    """The value as the JSON of protobuf has it."""
    match type_:
        case Scalar():
            return _fit_scalar(type_.kind, value, where)
        case Enum():
            return _fit_enum(type_, value, where)
        case ListOf():
            if not isinstance(value, list):
                raise _misfit("a list", value, where)
            return [fit(type_.item, item, f"{where}[{index}]") for index, item in enumerate(value)]
        case MapOf():
            if not isinstance(value, dict):
                raise _misfit("an object", value, where)
            return {key: fit(type_.value, item, join(where, key)) for key, item in value.items()}
        case Union():
            return fit(_choose(type_, value, where).type, value, where)
        case Message():
            if isinstance(value, list) and list_in(type_) is not None:
                value = {"values": value}
            return fit_fields(type_.fields, value, where)


def fits(type_: Type, value: Any) -> bool:
    try:
        fit(type_, value, "")
    except UsageError:
        return False
    return True


def join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _choose(union: Union, value: Any, where: str) -> Field:
    for member in union.members:
        if fits(member.type, value):
            return member
    raise _misfit(f"one of {union}", value, where)


def _fit_scalar(kind: str, value: Any, where: str) -> Any:
    match kind:
        case "int":
            if isinstance(value, float) and value.is_integer():
                return int(value)
            right = isinstance(value, int) and not isinstance(value, bool)
        case "float":
            right = (isinstance(value, int | float) and not isinstance(value, bool)) or value in _NOT_FINITE
        case "bool":
            right = isinstance(value, bool)
        case "object":
            right = isinstance(value, dict)
        case "any":
            right = True
        case "bytes":
            right = isinstance(value, str) and is_base64(value)
            kind = "text in base64"
        case _:
            right = isinstance(value, str)
    if not right:
        raise _misfit(kind, value, where)
    return value


def _fit_enum(type_: Enum, value: Any, where: str) -> Any:
    if value in type_.values or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    found = value if isinstance(value, str) else _name(value)
    raise UsageError(f"{where}: expected one of {', '.join(type_.values)}, got {found}")


def is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _misfit(expected: str, value: Any, where: str) -> UsageError:
    return UsageError(f"{where or 'the request'}: expected {expected}, got {_name(value)}")


def _name(value: Any) -> str:
    return _NAMES.get(type(value), "null")


def _hint(fields: Mapping[str, Field], key: str) -> str:
    close = difflib.get_close_matches(key, fields, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; expected one of {', '.join(map(last_part, fields))}" if fields else "; expected none"
