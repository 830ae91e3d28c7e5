"""The fields of a message that an annotation becomes, as they will stand in an interface file."""

from __future__ import annotations

import datetime
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Union

from caikit.core.data_model import FieldNumber, OneofField
from caikit.core.data_model.json_dict import JsonDict

from ._types import is_data_object, union_members

__all__ = ["WireField", "numbered", "wire_fields"]

_SCALARS = {
    "bool": "bool",
    "bytes": "bytes",
    "float": "double",
    "float32": "float",
    "float64": "double",
    "int": "int64",
    "int32": "int32",
    "int64": "int64",
    "str": "string",
    "uint32": "uint32",
    "uint64": "uint64",
}


@dataclass(frozen=True, slots=True)
class WireField:
    """Type and name, without the number."""

    type: str
    name: str


def wire_fields(name: str, annotation: Any) -> list[WireField]:
    """One field, or for a union one per alternative."""
    members = union_members(annotation)
    if members is None:
        return [WireField(_type(annotation), name)]
    return [
        WireField(_type(_bare(member)), _member_name(name, member)) for member in typing.get_args(annotation)
    ]


def numbered(name: str, annotation: Any, numbers: Mapping[str, int]) -> Any:
    """The annotation with the numbers of these fields."""
    if union_members(annotation) is None:
        return Annotated[annotation, FieldNumber(numbers[name])]
    members = tuple(
        Annotated[_bare(member), OneofField(field), FieldNumber(numbers[field])]
        for member in typing.get_args(annotation)
        for field in [_member_name(name, member)]
    )
    return Union[members]  # noqa: UP007 - built from a tuple


def _member_name(name: str, member: Any) -> str:
    if typing.get_origin(member) is Annotated:
        given = [each for each in member.__metadata__ if isinstance(each, OneofField)]
        if given:
            return str(given[0])
    bare = _bare(member)
    if typing.get_origin(bare) is list:
        return f"{name}_{_label(typing.get_args(bare)[0])}_sequence".lower()
    return f"{name}_{_label(bare)}".lower()


def _label(annotation: Any) -> str:
    if annotation == JsonDict:
        return "dict"
    return getattr(annotation, "__name__", None) or "any"


def _bare(annotation: Any) -> Any:
    while typing.get_origin(annotation) is Annotated:
        annotation = annotation.__origin__
    return annotation


def _type(annotation: Any) -> str:
    if annotation == JsonDict:
        return "google.protobuf.Struct"
    if is_data_object(annotation):
        return str(annotation.get_proto_class().DESCRIPTOR.full_name)
    if annotation is datetime.datetime:
        return "google.protobuf.Timestamp"
    if annotation is Any:
        return "google.protobuf.Any"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is list:
        return f"repeated {_type(arguments[0])}"
    if origin is dict:
        return f"map<{_type(arguments[0])}, {_type(arguments[1])}>"
    return _SCALARS[annotation.__name__]
