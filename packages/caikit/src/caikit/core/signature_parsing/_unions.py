"""Unions and annotated types taken apart and put together."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from typing import Any

NoneType = type(None)


def without_annotation(hint: Any) -> Any:
    """`Annotated[T, ...]` is `T`, everything else is itself."""
    while typing.get_origin(hint) is typing.Annotated:
        hint = hint.__origin__
    return hint


def is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def members_of(hint: Any) -> tuple[Any, ...]:
    """The members of a union in order; anything else is its own only member."""
    return typing.get_args(hint) if is_union(hint) else (hint,)


def union_of(members: Iterable[Any]) -> Any:
    """A union with exactly this order of members; unions among them are flattened."""
    flat = [inner for member in members for inner in members_of(member)]
    # Subscripting with the flat tuple is the only form whose cache in `typing` keeps the order.
    union: Any = typing.Union
    return union[tuple(flat)]


def with_arguments(hint: Any, arguments: tuple[Any, ...]) -> Any:
    """The same generic type with other arguments, in exactly this order."""
    if is_union(hint):
        return union_of(arguments)
    if isinstance(hint, types.GenericAlias):
        origin: Any = hint.__origin__
        return types.GenericAlias(origin, arguments)
    return hint.copy_with(arguments)


def optional(hint: Any) -> Any:
    return hint if NoneType in members_of(hint) else union_of((*members_of(hint), NoneType))
