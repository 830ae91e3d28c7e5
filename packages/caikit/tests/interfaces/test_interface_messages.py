"""The messages that published clients were compiled against: `messages.txt` lists them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

import caikit.interfaces.common
import caikit.interfaces.nlp
import caikit.interfaces.runtime
from caikit.core.data_model import DataBase

KINDS = {
    FieldDescriptor.TYPE_DOUBLE: "double",
    FieldDescriptor.TYPE_FLOAT: "float",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_UINT64: "uint64",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
}


def expected_entries() -> list[Any]:
    text = (Path(__file__).parent / "messages.txt").read_text()
    entries = [
        entry.splitlines()
        for entry in text.replace("\nmessage", "\0message").replace("\nenum", "\0enum").split("\0")
    ]
    return [pytest.param(entry[0], entry[1:], id=entry[0].split()[1]) for entry in entries]


def singular_type(field: FieldDescriptor) -> str:
    if field.message_type is not None:
        return str(field.message_type.full_name)
    if field.enum_type is not None:
        return str(field.enum_type.full_name)
    return KINDS[field.type]


def field_type(field: FieldDescriptor) -> str:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = field.message_type.fields
        return f"map<{singular_type(key)},{singular_type(value)}>"
    oneof = field.containing_oneof
    synthetic = oneof is not None and oneof.name == f"_{field.name}"
    label = "repeated " if field.is_repeated else "optional " if synthetic else ""
    member = f" oneof={oneof.name}" if oneof is not None and not synthetic else ""
    return f"{label}{singular_type(field)}{member}"


def field_line(descriptor: Descriptor, name: str) -> str:
    field = descriptor.fields_by_name[name]
    return f"  {field.number} {name} {field_type(field)}"


@pytest.mark.parametrize(("head", "fields"), expected_entries())
def test_descriptors(head: str, fields: list[str]) -> None:
    kind, name, *values = head.split()
    cls = DataBase.get_class_for_name(name)
    if kind == "enum":
        numbers = dict(cls._proto_enum.items())
        assert [f"{key}={number}" for key, number in numbers.items()] == values[0].split(",")
    else:
        descriptor = cls.get_proto_class().DESCRIPTOR
        assert descriptor.full_name == name
        assert [field_line(descriptor, field) for field in cls.fields] == fields
        assert len(descriptor.fields) == len(fields)


def test_the_list_is_complete() -> None:
    listed = {entry.values[0].split()[1] for entry in expected_entries()}
    modules = (
        caikit.interfaces.common.data_model,
        caikit.interfaces.nlp.data_model,
        caikit.interfaces.runtime.data_model,
    )
    exported = [getattr(module, name) for module in modules for name in module.__all__]
    messages = [cls.full_name for cls in exported if isinstance(cls, type) and issubclass(cls, DataBase)]
    assert set(messages) <= listed
    assert len(messages) > 40
