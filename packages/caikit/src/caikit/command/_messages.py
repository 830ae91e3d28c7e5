"""Protobuf messages of a server whose library is not here: their types, and their content as JSON."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError

from caikit.core.data_model._wire_types import is_repeated

from ._errors import CommandError, UsageError
from ._types import (
    Field,
    ListOf,
    MapOf,
    Message,
    Scalar,
    Type,
    Union,
    enum_type,
    last_part,
    stands_for_unset,
)

_INTEGERS = frozenset(
    {
        FieldDescriptor.CPPTYPE_INT32,
        FieldDescriptor.CPPTYPE_INT64,
        FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_UINT64,
    }
)
_FLOATS = frozenset({FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT})
_VECTOR = "caikit_data_model.common.Vector1D"
# Those whose JSON is not an object with their fields.
_WELL_KNOWN = {
    "google.protobuf.Timestamp": "time",
    "google.protobuf.Struct": "object",
    "google.protobuf.Value": "any",
    "google.protobuf.ListValue": "any",
    "google.protobuf.Any": "object",
}


def message_type(descriptor: Any) -> Message:
    """The type of a message, from its descriptor."""
    return Message(descriptor.full_name, lambda: _fields(descriptor))


def encode_message(descriptor: Any, content: Mapping[str, Any]) -> bytes:
    """The bytes of a message with this content."""
    message = message_factory.GetMessageClass(descriptor)()
    try:
        json_format.ParseDict(dict(content), message)
    except json_format.ParseError as problem:
        raise UsageError(f"The request does not fit {last_part(descriptor.full_name)}: {problem}") from None
    data: bytes = message.SerializeToString()
    return data


def decode_message(descriptor: Any, data: bytes) -> dict[str, Any]:
    """The content of a message as JSON with the names of the fields, as the server's HTTP interface writes it."""
    try:
        message = message_factory.GetMessageClass(descriptor).FromString(data)
    except DecodeError:
        raise CommandError(f"The answer of the server is no {last_part(descriptor.full_name)}") from None
    return _content(message)


# Types


def _fields(descriptor: Any) -> list[Field]:
    found: list[Field] = []
    for field in descriptor.fields:
        oneof = field.containing_oneof
        if oneof is None or _is_synthetic(oneof):
            found.append(Field(field.name, _field_type(field), required=_is_required(field)))
        elif field.name == oneof.fields[0].name:
            members = tuple(Field(member.name, _field_type(member)) for member in oneof.fields)
            found.append(Field(oneof.name, Union(members)))
    return found


def _is_synthetic(oneof: Any) -> bool:
    """What stands for the keyword `optional` of a single field."""
    return len(oneof.fields) == 1 and oneof.name.lstrip("X") == f"_{oneof.fields[0].name}"


def _is_required(field: Any) -> bool:
    return field.containing_oneof is None and not is_repeated(field)


def _field_type(field: Any) -> Type:
    if _is_map(field):
        return MapOf(_single_type(field.message_type.fields_by_name["value"]))
    single = _single_type(field)
    return ListOf(single) if is_repeated(field) else single


def _single_type(field: Any) -> Type:
    if field.message_type is not None:
        known = _WELL_KNOWN.get(field.message_type.full_name)
        return Scalar(known) if known else message_type(field.message_type)
    if field.enum_type is not None:
        return enum_type(field.enum_type.full_name, [value.name for value in field.enum_type.values])
    if field.cpp_type in _INTEGERS:
        return Scalar("int")
    if field.cpp_type in _FLOATS:
        return Scalar("float")
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return Scalar("bool")
    return Scalar("bytes" if field.type == FieldDescriptor.TYPE_BYTES else "str")


def _is_map(field: Any) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


# Content


def _content(message: Any) -> dict[str, Any]:
    if message.DESCRIPTOR.full_name == _VECTOR:
        return _vector(message)
    content: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if _is_map(field):
            of_value = field.message_type.fields_by_name["value"]
            content[field.name] = {str(key): _value(of_value, item) for key, item in value.items()}
        elif is_repeated(field):
            content[field.name] = [_value(field, item) for item in value]
        elif not field.has_presence or message.HasField(field.name):
            content[field.name] = _value(field, value)
        elif field.containing_oneof is None or _is_synthetic(field.containing_oneof):
            content[field.name] = None
    return content


def _vector(message: Any) -> dict[str, Any]:
    """JSON does not tell the type of the elements; they are shown with all their digits, and an empty one has none."""
    members = [sequence for _, sequence in message.ListFields()]
    return {"data": {"values": [each for sequence in members for each in sequence.values]}}


def _value(field: Any, value: Any) -> Any:
    if field.message_type is not None:
        if field.message_type.full_name.startswith("google.protobuf."):
            return _well_known(value)
        return _content(value)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        if known is None:
            return value
        return None if stands_for_unset(known.name) else known.name
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT and math.isfinite(value):
        return _shortest(value)
    return value


def _shortest(value: float) -> float:
    """The shortest number that is the same in 32 bits."""
    candidates = (float(f"{value:.{digits}g}") for digits in range(6, 9))
    return next((each for each in candidates if _in_32_bits(each) == value), value)


def _in_32_bits(value: float) -> float:
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded


def _well_known(message: Any) -> Any:
    try:
        return _with_integers(json_format.MessageToDict(message, preserving_proto_field_name=True))
    except (json_format.SerializeToJsonError, TypeError):  # such as an Any with a type that is not known here
        return _content(message)


def _with_integers(value: Any) -> Any:
    """Structs know only floats; JSON has no difference."""
    if isinstance(value, dict):
        return {key: _with_integers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_integers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
