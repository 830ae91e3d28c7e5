"""Which types of a method fulfil which types of a task."""

from __future__ import annotations

import collections.abc
import inspect
import typing
from typing import Any

from .signature_parsing._unions import members_of, without_annotation


def stream_element(hint: Any) -> Any:
    """The element type of a subscripted iterable such as `Iterable[T]` or `DataStream[T]`, else None."""
    hint = without_annotation(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if inspect.isclass(origin) and issubclass(origin, collections.abc.Iterable) and arguments:
        return arguments[0]
    return None


def accepts_input(offered: Any, required: Any) -> bool:
    """Whether a parameter of type `offered` takes every value of type `required`."""
    offered_members = [without_annotation(member) for member in members_of(without_annotation(offered))]
    required_members = [without_annotation(member) for member in members_of(without_annotation(required))]
    return all(
        any(_is_same_or_wider(candidate, member) for candidate in offered_members)
        for member in required_members
    )


def accepts_input_stream(offered: Any, required: Any) -> bool:
    offered_element, required_element = stream_element(offered), stream_element(required)
    if offered_element is None:
        return False
    return accepts_input(offered_element, required_element) or _is_subclass(offered_element, required_element)


def provides_output(offered: Any, required: Any) -> bool:
    """Whether a result of type `offered` can be one of type `required`."""
    required = without_annotation(required)
    candidates = (without_annotation(member) for member in members_of(without_annotation(offered)))
    return any(_same(member, required) or _is_subclass(member, required) for member in candidates)


def provides_output_stream(offered: Any, required: Any) -> bool:
    return any(
        (element := stream_element(member)) is not None and provides_output(element, stream_element(required))
        for member in members_of(without_annotation(offered))
    )


def _is_same_or_wider(offered: Any, required: Any) -> bool:
    return offered is Any or _same(offered, required) or _is_subclass(required, offered)


def _same(left: Any, right: Any) -> bool:
    """Equality that does not tell `List[int]` from `list[int]`."""
    if left == right:
        return True
    left_arguments, right_arguments = typing.get_args(left), typing.get_args(right)
    return (
        bool(left_arguments)
        and typing.get_origin(left) is typing.get_origin(right)
        and len(left_arguments) == len(right_arguments)
        and all(_same(one, other) for one, other in zip(left_arguments, right_arguments, strict=True))
    )


def _is_subclass(child: Any, parent: Any) -> bool:
    plain = inspect.isclass(child) and typing.get_origin(child) is None and inspect.isclass(parent)
    return plain and issubclass(child, parent)
