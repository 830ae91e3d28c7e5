"""Items of files as elements of a stream."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from caikit.core.data_model import DataObjectBase
from caikit.core.data_model._codec import decode_json_type
from caikit.core.data_model._schema import Scalar, schema_of
from caikit.runtime.services._types import is_data_object

__all__ = ["element_parser"]

_SHOWN = 200
_MOST_NAMES = 1000
_MOST_TOLD = 10
_SCALARS = {int: "int64", float: "double", str: "string", bool: "bool", bytes: "bytes"}


def element_parser(element_type: type[Any], notice: Callable[[str], None]) -> Callable[[Any], Any]:
    """A function from an item of a file to an element; ValueError says what does not fit.

    `notice` gets a sentence about each kind of field that is ignored.
    """
    if is_data_object(element_type):
        return _object_parser(element_type, notice)
    return _scalar_parser(element_type)


def _object_parser(element_type: type[DataObjectBase], notice: Callable[[str], None]) -> Callable[[Any], Any]:
    names = _names_of_fields(element_type)
    seen = set(names)

    def parse(value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError(f"expected an object for {element_type.__name__}, got {type(value).__name__}")
        if value and names.isdisjoint(value):
            # Fields of others are ignored, but a table whose header is missing has nothing else.
            expected, found = ", ".join(element_type.fields), ", ".join(map(repr, value))
            raise ValueError(f"expected some of the fields {expected}, got only {found[:_SHOWN]}")
        if not seen.issuperset(value):
            for name in _unknown(value, seen):
                notice(_ignored(name, element_type))
        return element_type.from_json(value, ignore_unknown_fields=True)

    return parse


def _unknown(value: Mapping[str, Any], seen: set[str]) -> list[str]:
    """The fields that are met for the first time, some at the most: a file may have other keys in each item."""
    if len(seen) >= _MOST_NAMES:
        return []
    new = [name for name in value if name not in seen][:_MOST_TOLD]
    seen.update(value)
    return new


def _ignored(name: str, element_type: type[DataObjectBase]) -> str:
    close = difflib.get_close_matches(name, element_type.fields, n=1)
    meant = f"did you mean '{close[0]}'?" if close else f"it has {', '.join(element_type.fields)}"
    return f"{name!r:.{_SHOWN}} is ignored, {element_type.__name__} has no such field: {meant}"


def _names_of_fields(element_type: type[DataObjectBase]) -> frozenset[str]:
    fields = element_type.get_proto_class().DESCRIPTOR.fields
    names = {name for field in fields for name in (field.name, field.json_name)}
    # A union may be given by its own name, too, which is that of no field of the message.
    return frozenset((*names, *(field.name for field in schema_of(element_type).fields)))


def _scalar_parser(element_type: type[Any]) -> Callable[[Any], Any]:
    node = Scalar(_SCALARS[element_type])

    def parse(value: Any) -> Any:
        if isinstance(value, dict) and len(value) == 1:  # a table of scalars has one column
            value = next(iter(value.values()))
        return decode_json_type(node, value)

    return parse
