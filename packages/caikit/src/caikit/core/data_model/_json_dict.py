from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Dict, ForwardRef, List, Union, get_args, get_origin  # noqa: UP035 - equal to what users spell out

from google.protobuf import struct_pb2

if TYPE_CHECKING:
    JsonDictValue = Union[None, bool, int, float, str, list["JsonDictValue"], dict[str, "JsonDictValue"]]  # noqa: UP007 - refers to itself
    JsonDict = dict[str, JsonDictValue]
else:
    # The references say where they belong, so that typing.get_type_hints works on code that only imports JsonDict.
    _value = ForwardRef("JsonDictValue", module=__name__)
    JsonDictValue = Union[None, bool, int, float, str, List[_value], Dict[str, _value]]  # noqa: UP006, UP007 - see above
    JsonDict = Dict[str, JsonDictValue]  # noqa: UP006 - see above


_JSON_SCALARS = frozenset((type(None), bool, int, float, str))


def is_json_dict(annotation: Any) -> bool:
    """True for JsonDict, also after typing.get_type_hints has replaced the references in it."""
    if get_origin(annotation) is not dict or len(get_args(annotation)) != 2:
        return False
    key, value = get_args(annotation)
    return key is str and get_origin(value) is Union and _JSON_SCALARS.issubset(get_args(value))


def dict_to_struct(
    dict_: Mapping[str, Any],
    struct_class: Any | None = None,
    value_class: Any | None = None,
    list_value_class: Any | None = None,
) -> Any:
    """A Struct message; the classes may come from another descriptor pool."""
    struct = (struct_class or struct_pb2.Struct)()
    if struct_class is None and value_class is None and list_value_class is None:
        fill_struct(struct, dict_)
        return struct
    value_class = value_class or struct_pb2.Value
    list_value_class = list_value_class or struct_pb2.ListValue
    for key, value in dict_.items():
        struct.fields[key].CopyFrom(_foreign_value(value, type(struct), value_class, list_value_class))
    return struct


def _foreign_value(value: Any, struct_class: Any, value_class: Any, list_value_class: Any) -> Any:
    if isinstance(value, Mapping):
        return value_class(struct_value=dict_to_struct(value, struct_class, value_class, list_value_class))
    if isinstance(value, (list, tuple)):
        items = [_foreign_value(item, struct_class, value_class, list_value_class) for item in value]
        return value_class(list_value=list_value_class(values=items))
    message = value_class()
    _fill_value(message, value)
    return message


def fill_struct(struct: Any, dict_: Mapping[str, Any]) -> None:
    """Write a dictionary into a Struct message."""
    fields = struct.fields
    if not dict_:
        struct.SetInParent()
    for key, value in dict_.items():
        _fill_value(fields[key], value)


def _fill_value(message: Any, value: Any) -> None:
    kind = value.__class__
    if kind is str:
        message.string_value = value
    elif value is None:
        message.null_value = 0
    elif kind is bool:
        message.bool_value = value
    elif kind is float or kind is int:
        message.number_value = value
    elif kind is dict:
        fill_struct(_present(message.struct_value), value)
    elif kind is list:
        _fill_list(_present(message.list_value), value)
    else:
        _fill_other(message, value)


def _fill_list(message: Any, items: Any) -> None:
    add = message.values.add
    for item in items:
        _fill_value(add(), item)


def _present(message: Any) -> Any:
    message.SetInParent()
    return message


def _fill_other(message: Any, value: Any) -> None:
    """Subclasses of the JSON types, tuples and numpy scalars."""
    if isinstance(value, str):
        message.string_value = value
    elif isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        message.bool_value = bool(value)
    elif isinstance(value, numbers.Real):
        message.number_value = float(value)
    elif isinstance(value, Mapping):
        fill_struct(_present(message.struct_value), value)
    elif isinstance(value, (list, tuple)):
        _fill_list(_present(message.list_value), value)
    else:
        raise ValueError(f"Unsupported value type: {type(value)}")


def struct_to_dict(struct: Any) -> JsonDict:
    """The dictionary in a Struct message; whole numbers come back as int."""
    return {key: _value_to_python(value) for key, value in struct.fields.items()}


def _value_to_python(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "struct_value":
        return struct_to_dict(value.struct_value)
    if kind == "list_value":
        return [_value_to_python(item) for item in value.list_value.values]
    return None
