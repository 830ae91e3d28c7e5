"""Items of files as elements of a stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from caikit.core.data_model import DataObjectBase
from caikit.core.data_model._codec import decode_json_type
from caikit.core.data_model._schema import Scalar
from caikit.runtime.services._types import is_data_object

__all__ = ["element_parser"]

_SHOWN = 200
_SCALARS = {int: "int64", float: "double", str: "string", bool: "bool", bytes: "bytes"}


def element_parser(element_type: type[Any]) -> Callable[[Any], Any]:
    """A function from an item of a file to an element; ValueError says what does not fit."""
    return _object_parser(element_type) if is_data_object(element_type) else _scalar_parser(element_type)


def _object_parser(element_type: type[DataObjectBase]) -> Callable[[Any], Any]:
    names = _names_of_fields(element_type)

    def parse(value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError(f"expected an object for {element_type.__name__}, got {type(value).__name__}")
        if value and names.isdisjoint(value):
            # Fields of others are ignored, but a table whose header is missing has nothing else.
            expected, found = ", ".join(element_type.fields), ", ".join(map(repr, value))
            raise ValueError(f"expected some of the fields {expected}, got only {found[:_SHOWN]}")
        return element_type.from_json(value, ignore_unknown_fields=True)

    return parse


def _names_of_fields(element_type: type[DataObjectBase]) -> frozenset[str]:
    fields = element_type.get_proto_class().DESCRIPTOR.fields
    names = {name for field in fields for name in (field.name, field.json_name)}
    return frozenset((*names, *element_type.fields))


def _scalar_parser(element_type: type[Any]) -> Callable[[Any], Any]:
    node = Scalar(_SCALARS[element_type])

    def parse(value: Any) -> Any:
        if isinstance(value, dict) and len(value) == 1:  # a table of scalars has one column
            value = next(iter(value.values()))
        return decode_json_type(node, value)

    return parse
