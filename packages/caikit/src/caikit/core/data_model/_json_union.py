"""Which member of a union a JSON value belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._json_input import RefusedError
from ._json_nodes import Mode, node_reader
from ._oneof import list_item
from ._schema import Member, Repeated, Scalar, UnionOf, schema_of

_EXACT: dict[str, tuple[type[Any], ...]] = {
    "string": (str,),
    "bool": (bool,),
    "double": (float,),
    "float": (float,),
    "int64": (int,),
    "uint64": (int,),
    "int32": (int,),
    "uint32": (int,),
}


def two_members(union: str) -> RefusedError:
    return RefusedError(
        "value_error", f"Value error, more than one member of {union} is given", {"error": {}}
    )


def member_node(member: Member) -> Any:
    """The node of the Python value: a list also for a class that stands for its list."""
    item = list_item(member)
    return member.type if item is None else Repeated(item)


def union_reader(union: UnionOf, mode: Mode) -> Callable[[Any], tuple[str, Any]]:
    """From a bare value to (member, value): the exact type first, then the first member that accepts it."""
    choices = [(member.name, member_node(member)) for member in union.members]
    readers = {name: node_reader(node, mode) for name, node in choices}

    def choose(value: Any) -> tuple[str, Any]:
        for name, node in choices:
            if is_exact(node, value):
                try:
                    return name, readers[name](value)
                except RefusedError:
                    continue
        last = RefusedError("value_error", "Value error, a union needs members")
        for name, read in readers.items():
            try:
                return name, read(value)
            except RefusedError as refused:
                last = refused
            except (TypeError, ValueError) as error:
                # The constructor of a member that is not meant may refuse the value, too.
                last = RefusedError("value_error", f"Value error, {error}", {"error": {}})
        raise last

    return choose


def is_exact(node: Any, value: Any) -> bool:
    """True if the JSON value has the very type of the node."""
    match node:
        case Scalar(kind):
            return value.__class__ in _EXACT.get(kind, ())
        case Repeated(Scalar(kind)):
            return value.__class__ is list and set(map(type, value)) <= set(_EXACT.get(kind, ()))
    return False


def member_reader(owner: type[Any], member: Member, mode: Mode) -> Callable[[Any], Any]:
    """The reader of a value under the name of a member; lists also in the wrapping object of the wire."""
    read = node_reader(member_node(member), mode)
    if list_item(member) is None:
        return read
    name = wrapped_name(owner, member)

    def read_wrapped(value: Any) -> Any:
        if isinstance(value, dict):
            if value.keys() - {name} and not mode.ignore_unknown:
                raise RefusedError("extra_forbidden", "Extra inputs are not permitted")
            return read(value.get(name) or [])
        return read(value)

    return read_wrapped


def wrapped_name(owner: type[Any], member: Member) -> str:
    """The name of the list in the object that wraps it on the wire."""
    wrapper = getattr(owner, member.wrapper) if member.wrapper else member.type.cls  # type: ignore[union-attr]  # not a wrapper: a class that unwraps
    return schema_of(wrapper).fields[0].name
