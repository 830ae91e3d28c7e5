"""Messages whose types are known from their descriptors alone, as JSON: an example of one, and what is in one."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from .kinds import is_map, is_repeated

WELL_KNOWN = "google.protobuf."
_EXAMPLES_OF_MESSAGES: dict[str, Any] = {
    "Any": {},
    "Duration": "1s",
    "Empty": {},
    "FieldMask": "",
    "ListValue": [],
    "Struct": {},
    "Timestamp": "2024-01-31T12:00:00Z",
    "Value": None,
}
_EXAMPLES = {
    FieldDescriptor.CPPTYPE_BOOL: True,
    FieldDescriptor.CPPTYPE_DOUBLE: 0.5,
    FieldDescriptor.CPPTYPE_FLOAT: 0.5,
    FieldDescriptor.CPPTYPE_INT32: 1,
    FieldDescriptor.CPPTYPE_INT64: 1,
    FieldDescriptor.CPPTYPE_STRING: "text",
    FieldDescriptor.CPPTYPE_UINT32: 1,
    FieldDescriptor.CPPTYPE_UINT64: 1,
}
_LONG = (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64)
# Browsers round larger ones.
_LARGEST = 2**53


def example_of(message: Descriptor, around: tuple[Descriptor, ...] = ()) -> Any:
    """A value of each field; of a oneof, of its first field; of a message in itself, none."""
    if message.full_name.startswith(WELL_KNOWN):
        if message.name in _EXAMPLES_OF_MESSAGES:
            return _EXAMPLES_OF_MESSAGES[message.name]
        return example_of_field(message.fields_by_name["value"])
    fields = [
        field
        for field in message.fields
        if field.containing_oneof is None or field.containing_oneof.fields[0].name == field.name
    ]
    around = (*around, message)
    return {
        field.name: example_of_field(field, around) for field in fields if field.message_type not in around
    }


def example_of_field(field: FieldDescriptor, around: tuple[Descriptor, ...] = ()) -> Any:
    if is_map(field):
        key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
        return {str(_single(key)).lower(): _single(value, around)}
    single = _single(field, around)
    return [single] if is_repeated(field) else single


def _single(field: FieldDescriptor, around: tuple[Descriptor, ...] = ()) -> Any:
    if field.message_type is not None:
        return example_of(field.message_type, around)
    if field.enum_type is not None:
        return field.enum_type.values[0].name
    if field.type == FieldDescriptor.TYPE_BYTES:
        return "aGVsbG8="
    return _EXAMPLES[field.cpp_type]


def plain(message: Message) -> Any:
    """As protobuf does it, with numbers as numbers."""
    try:
        value = MessageToDict(
            message,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
            descriptor_pool=message.DESCRIPTOR.file.pool,
        )
    except TypeError:  # it holds an Any of which nobody knows the type
        return {"text": str(message)}
    return _with_numbers(message.DESCRIPTOR, value)


def _with_numbers(message: Descriptor, value: Any) -> Any:
    if message.full_name.startswith(WELL_KNOWN):
        return value
    return {name: _field_with_numbers(message.fields_by_name[name], each) for name, each in value.items()}


def _field_with_numbers(field: FieldDescriptor, value: Any) -> Any:
    if is_map(field):
        inner = field.message_type.fields_by_name["value"]
        return {key: _field_with_numbers(inner, each) for key, each in value.items()}
    if isinstance(value, list) and is_repeated(field):
        return [_item_with_numbers(field, each) for each in value]
    return _item_with_numbers(field, value)


def _item_with_numbers(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        return _with_numbers(field.message_type, value)
    if field.cpp_type in _LONG and abs(int(value)) <= _LARGEST:
        return int(value)
    return value
