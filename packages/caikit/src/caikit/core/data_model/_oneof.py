"""Unions at run time: which member is active, and which member a value belongs to."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from operator import attrgetter
from typing import Any

from ._init_code import set_member
from ._schema import (
    AnyType,
    EnumType,
    Member,
    MessageType,
    Repeated,
    Scalar,
    StructType,
    TimestampType,
    UnionOf,
    schema_of,
)

_RANK = {"bool": 0, "int64": 1, "uint64": 2, "int32": 3, "uint32": 4}
_INTEGERS = ("int64", "uint64", "int32", "uint32")
_FLOATS = ("double", "float")

Infer = Callable[[Any], "str | None"]


def list_item(member: Member) -> Any | None:
    """The element node of a member whose Python value is a plain list."""
    if isinstance(member.type, Repeated):
        return member.type.item
    if isinstance(member.type, MessageType) and member.type.cls._unwraps_list:
        return getattr(schema_of(member.type.cls).fields[0].type, "item", None)
    return None


def make_infer(owner: str, union: UnionOf) -> Infer:
    """A function from a value to the name of the member that holds it; TypeError if there is none."""
    members = sorted(union.members, key=_rank)
    singles = [(member, member.type) for member in members if list_item(member) is None]
    lists = [(member, item) for member in members if (item := list_item(member)) is not None]
    known: dict[type[Any], str] = {}

    def infer(value: Any) -> str | None:
        if value is None:
            return None
        kind = value.__class__
        if kind in known:
            return known[kind]
        if _is_list(value):
            return _infer_list(owner, lists, value)
        member = _first_fit(singles, value)
        if member is None:
            member = next((m.name for m in union.members if _is_wrapper(m, kind)), None)
        if member is None:
            names = ", ".join(m.name for m in union.members)
            raise TypeError(f"{owner}: a value of type {kind.__name__} fits none of the members {names}")
        if kind in (str, int, float, bool, bytes, datetime, dict) and not _by_value(singles, kind):
            known[kind] = member
        return member

    return infer


def _is_wrapper(member: Member, kind: type[Any]) -> bool:
    """True for objects that hold the list of a list member, as it is on the wire."""
    if isinstance(member.type, MessageType):
        return issubclass(kind, member.type.cls)
    return member.wrapper == kind.__name__


def _by_value(singles: list[Any], kind: type[Any]) -> bool:
    return kind is str and any(isinstance(node, EnumType) for _, node in singles)


def _rank(member: Member) -> int:
    node = list_item(member) or member.type
    return _RANK.get(node.kind, 9) if isinstance(node, Scalar) else 9


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or (hasattr(value, "dtype") and getattr(value, "ndim", 0) > 0)


def _first_fit(candidates: list[Any], value: Any) -> str | None:
    if hasattr(value, "dtype") and hasattr(value, "item"):
        value = value.item()
    for test in (_fits_exactly, _fits, _fits_loosely):
        for member, node in candidates:
            if test(node, value):
                name: str = member.name
                return name
    return None


def _infer_list(owner: str, lists: list[Any], value: Any) -> str:
    if lists and len(value) == 0:
        return str(lists[0][0].name)
    values = [value[0].item()] if hasattr(value, "dtype") else {type(item): item for item in value}.values()
    for test in (_fits, _fits_somehow):
        for member, item_node in lists:
            if all(test(item_node, item) for item in values):
                return str(member.name)
    raise TypeError(
        f"{owner}: a list of {', '.join(sorted({type(item).__name__ for item in values}))} fits none of "
        f"the members {', '.join(member.name for member, _ in lists) or '(no member is a list)'}"
    )


def _fits_exactly(node: Any, value: Any) -> bool:
    return isinstance(node, MessageType) and type(value) is node.cls


def _fits(node: Any, value: Any) -> bool:
    """The type of the value is the type of the node."""
    match node:
        case Scalar(kind):
            return _fits_scalar(kind, value)
        case EnumType(cls):
            return isinstance(value, cls)
        case MessageType(cls):
            return isinstance(value, cls) or getattr(value, "full_name", None) == schema_of(cls).full_name
        case TimestampType():
            return isinstance(value, datetime)
        case StructType():
            return isinstance(value, dict)
    return False


def _fits_scalar(kind: str, value: Any) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if kind == "bytes":
        return isinstance(value, (bytes, bytearray, memoryview))
    if kind == "bool" or isinstance(value, bool):
        return kind == "bool" and isinstance(value, bool)
    if isinstance(value, Enum):
        return False
    if kind in _INTEGERS:
        return isinstance(value, numbers.Integral)
    return isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral)


def _fits_somehow(node: Any, value: Any) -> bool:
    return _fits(node, value) or _fits_loosely(node, value)


def _fits_loosely(node: Any, value: Any) -> bool:
    """A conversion without loss leads to the node."""
    match node:
        case Scalar(kind):
            whole = isinstance(value, numbers.Integral) and not isinstance(value, Enum)
            return whole and kind in (*_INTEGERS, *_FLOATS)
        case EnumType():
            if isinstance(value, str):
                return value in node.numbers()
            return isinstance(value, numbers.Integral) and not isinstance(value, bool)
        case MessageType(_, nested):
            return nested is not None and type(value).__name__ == nested
        case AnyType():
            return hasattr(value, "to_proto")
    return False


def active_member(instance: Any, union: str, infer: Infer) -> str | None:
    """The name of the active member, None if the union is not set."""
    value = getattr(instance, f"_oneof_{union}")
    which = getattr(instance, "_which", None)
    if value is not None and which is not None and union in which:
        name: str = which[union]
        return name
    return infer(value)


def install_union(cls: type[Any], union: str, node: UnionOf, owner: str) -> Infer:
    """Turn the slot of the union into properties for it and for its members."""
    slot = _slot(cls, union)
    raw = f"_oneof_{union}"
    setattr(cls, raw, slot)
    setattr(cls, union, property(attrgetter(raw), _union_setter(union, raw)))
    infer = make_infer(owner, node)
    for member in node.members:
        setattr(cls, member.name, _member_property(union, raw, member.name, infer))
    return infer


def _slot(cls: type[Any], union: str) -> Any:
    for base in cls.__mro__:
        for name in (union, f"_oneof_{union}"):
            found = base.__dict__.get(name)
            if found is not None and not isinstance(found, property):
                return found
    raise TypeError(f"{cls.__name__}.{union}: a union needs a slot")


def _union_setter(union: str, raw: str) -> Callable[[Any, Any], None]:
    def set_union(self: Any, value: Any) -> None:
        setattr(self, raw, value)
        which = getattr(self, "_which", None)
        if which and union in which:
            self._which = {name: member for name, member in which.items() if name != union}

    return set_union


def _member_property(union: str, raw: str, member: str, infer: Infer) -> property:
    def get_member(self: Any) -> Any:
        return getattr(self, raw) if active_member(self, union, infer) == member else None

    def set_member_value(self: Any, value: Any) -> None:
        set_member(self, union, member, value)

    return property(get_member, set_member_value)
