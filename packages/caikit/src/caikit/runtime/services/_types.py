"""From the annotation of a parameter to the annotation of a request message's field.

A parameter whose type has no counterpart in a message is left out: `field_annotation` returns None.
"""

from __future__ import annotations

import datetime
import enum
import types
import typing
from typing import Annotated, Any, Union

from caikit.core.data_model import OneofField
from caikit.core.data_model.base import DataBase
from caikit.core.data_model.json_dict import JsonDict

__all__ = ["element_type", "field_annotation", "holds_enum", "is_data_object", "union_members"]

_NUMPY_SCALARS = ("int32", "int64", "uint32", "uint64", "float32", "float64")
_MAP_KEYS = (int, str, bool)


def field_annotation(annotation: Any, name: str) -> Any | None:
    """The field for a parameter, or None when a message cannot carry it."""
    annotation = _strip_annotated(annotation)
    members = union_members(annotation)
    if members is None:
        return annotation if _is_protoable(annotation) else None
    return _union_annotation(members, name)


def union_members(annotation: Any) -> list[Any] | None:
    """The alternatives of a union (None included), or None for any other annotation."""
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return [_strip_annotated(member) for member in typing.get_args(annotation)]
    return None


def element_type(annotation: Any) -> Any | None:
    """`T` for `Iterable[T]`, `DataStream[T]`, `List[T]`; None for what is no stream."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(origin, type) and hasattr(origin, "__iter__") and len(arguments) == 1:
        return arguments[0]
    return None


def holds_enum(annotation: Any) -> bool:
    """Whether this is an enum, or a union, list or map with one in it."""
    annotation = _strip_annotated(annotation)
    if isinstance(annotation, enum.EnumMeta):
        return True
    return any(holds_enum(argument) for argument in typing.get_args(annotation))


def is_data_object(annotation: Any) -> bool:
    """Whether this is a class with a protobuf message."""
    return (
        isinstance(annotation, type)
        and typing.get_origin(annotation) is None  # Python 3.10 counts list[str] as a class
        and issubclass(annotation, DataBase)
        and annotation.__dict__.get("_proto_class") is not None
    )


def _is_scalar(annotation: Any) -> bool:
    if any(annotation is scalar for scalar in (int, float, str, bool, bytes)):
        return True
    # By name, as in data objects: numpy need not be loaded for it.
    return (
        isinstance(annotation, type)
        and annotation.__module__ == "numpy"
        and annotation.__name__ in _NUMPY_SCALARS
    )


def _is_single(annotation: Any) -> bool:
    return (
        _is_scalar(annotation)
        or annotation is datetime.datetime
        or annotation is Any
        or annotation == JsonDict
        or is_data_object(annotation)
    )


def _is_protoable(annotation: Any) -> bool:
    if _is_single(annotation):
        return True
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is list and len(arguments) == 1:
        return _is_single(arguments[0])
    if origin is dict and len(arguments) == 2:
        key, value = arguments
        return (key in _MAP_KEYS or (_is_scalar(key) and "int" in key.__name__)) and _is_scalar(value)
    return False


def _union_annotation(members: list[Any], name: str) -> Any | None:
    protoable = [member for member in members if _is_protoable(member)]
    lists = [member for member in protoable if typing.get_origin(member) is list]
    if len(protoable) >= 2 and (lists or len(protoable) == len(members)):
        return Union[tuple(_oneof_member(member, name) for member in protoable)]  # noqa: UP007 - built from a list
    if not protoable:
        return None
    return next((member for member in protoable if is_data_object(member)), protoable[0])


def _oneof_member(member: Any, name: str) -> Any:
    """List alternatives of plain values travel in the shared sequence messages."""
    if typing.get_origin(member) is not list:
        return member
    from caikit.interfaces.common.data_model import primitive_sequences

    sequences = {
        str: primitive_sequences.StrSequence,
        int: primitive_sequences.IntSequence,
        float: primitive_sequences.FloatSequence,
        bool: primitive_sequences.BoolSequence,
    }
    item = typing.get_args(member)[0]
    sequence = sequences.get(item)
    if sequence is None:
        return member
    return Annotated[sequence, OneofField(f"{name}_{item.__name__}_sequence")]


def _strip_annotated(annotation: Any) -> Any:
    while typing.get_origin(annotation) is Annotated:
        annotation = typing.get_args(annotation)[0]
    return annotation
