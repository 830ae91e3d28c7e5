"""What fields are, in words and as checks of what was typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor, OneofDescriptor

from .input import Need
from .problems import InputError


@dataclass(frozen=True)
class Kind:
    """Of one value; `read` takes what was typed, and fails if it is something else."""

    words: str
    limits: str = ""
    read: Callable[[Any], Any] = str

    def check(self, value: Any, where: str) -> Any:
        try:
            return self.read(value)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
            raise InputError(f"{where}: expected {self.words}{self.limits}, got {value!r}") from None


def is_repeated(field: FieldDescriptor) -> bool:
    # What would say so has another name in each version of protobuf.
    return bool(field.default_value == [])


def is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def need_of(field: FieldDescriptor) -> Need:
    """As it is declared; a message could always be left out."""
    if is_repeated(field):
        return Need.UNKNOWN
    is_optional = field.has_presence and (field.message_type is None or field.containing_oneof is not None)
    return Need.NO if is_optional else Need.YES


def union_of(field: FieldDescriptor) -> OneofDescriptor | None:
    """The fields of which one can be given; `optional` makes a oneof, too, which nobody wrote."""
    oneof = field.containing_oneof
    if oneof is None or (len(oneof.fields) == 1 and oneof.name.startswith("_")):
        return None
    return oneof


def kind_of(field: FieldDescriptor) -> Kind:
    if field.message_type is not None:
        return Kind(field.message_type.name)
    if field.enum_type is not None:
        return _one_of([value.name for value in field.enum_type.values])
    return _KINDS[field.cpp_type]


def _one_of(names: list[str]) -> Kind:
    return Kind(f"one of {', '.join(names)}", read=lambda value: names[names.index(value.strip())])


def _whole_number(low: int, high: int) -> Kind:
    def read(value: str) -> int:
        number = int(value)
        if not low <= number <= high:
            raise ValueError
        return number

    return Kind("a whole number", f" from {low} to {high}", read)


def _truth(value: Any) -> bool:
    return {"true": True, "false": False}[str(value).strip().lower()]


_NUMBER = Kind("a number", read=float)
_KINDS = {
    FieldDescriptor.CPPTYPE_BOOL: Kind("true or false", read=_truth),
    FieldDescriptor.CPPTYPE_DOUBLE: _NUMBER,
    FieldDescriptor.CPPTYPE_FLOAT: _NUMBER,
    FieldDescriptor.CPPTYPE_INT32: _whole_number(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: _whole_number(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_STRING: Kind("a text"),
    FieldDescriptor.CPPTYPE_UINT32: _whole_number(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: _whole_number(0, 2**64 - 1),
}
