"""Which classes hold lists of floating point numbers; there are faster ways for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._schema import MapOf, MessageType, Repeated, Scalar, UnionOf, schema_of

_FLOATS = ("double", "float")


def is_number_list(node: Any) -> bool:
    return isinstance(node, Repeated) and isinstance(node.item, Scalar) and node.item.kind in _FLOATS


def holds_numbers(cls: type[Any]) -> bool:
    """True if there are such lists in objects of the class."""
    return any(map(is_number_list, _nodes(cls, set())))


def is_all_numbers(cls: type[Any]) -> bool:
    """True if there are such lists, and nothing but them and texts."""
    nodes = list(_nodes(cls, set()))
    return any(map(is_number_list, nodes)) and all(
        is_number_list(node) or node == Scalar("string") or isinstance(node, (MessageType, UnionOf))
        for node in nodes
    )


def _nodes(cls: type[Any], seen: set[type[Any]]) -> Iterator[Any]:
    """The types of all fields and of the fields of what they hold."""
    if cls in seen:
        return
    seen.add(cls)
    for field in schema_of(cls).fields:
        yield field.type
        parts = [member.type for member in field.type.members] if isinstance(field.type, UnionOf) else []
        for node in (field.type, *parts):
            yield node
            inner = (
                node.item if isinstance(node, Repeated) else node.value if isinstance(node, MapOf) else node
            )
            if isinstance(inner, MessageType):
                yield from _nodes(inner.cls, seen)
