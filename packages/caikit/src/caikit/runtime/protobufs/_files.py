"""Interface files as descriptors of the default pool, and the message classes in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Fields = Sequence[str]
Rpcs = Mapping[str, tuple[str, str]]

_Field = descriptor_pb2.FieldDescriptorProto
_FIELD = re.compile(r"(repeated )?(?:map<string, (\w+)>|([\w.]+)) (\w+) = (\d+)")
_SCALARS = {
    "string": _Field.TYPE_STRING,
    "bool": _Field.TYPE_BOOL,
    "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64,
}


def build_file(
    name: str,
    package: str,
    *,
    messages: Mapping[str, Fields],
    nested: Mapping[str, Mapping[str, Fields]] | None = None,
    enums: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    service: str,
    rpcs: Rpcs,
    java_package: str = "",
) -> descriptor_pb2.FileDescriptorProto:
    """A proto3 file with one service.

    Fields are written as in an interface file; `nested` and `enums` are those inside of a message. Types that are no
    scalars are looked for inside of the message first.
    """
    file = descriptor_pb2.FileDescriptorProto(name=name, package=package, syntax="proto3")
    if java_package:
        file.options.java_package = java_package
        file.options.java_multiple_files = True
    for message_name, fields in messages.items():
        message = file.message_type.add(name=message_name)
        path = f".{package}.{message_name}"
        for enum_name, values in (enums or {}).get(message_name, {}).items():
            enum = message.enum_type.add(name=enum_name)
            for number, value in enumerate(values):
                enum.value.add(name=value, number=number)
        for inner_name, inner_fields in (nested or {}).get(message_name, {}).items():
            _add_fields(message.nested_type.add(name=inner_name), inner_fields, f"{path}.{inner_name}", {})
        _add_fields(message, fields, path, {name: f".{package}.{name}" for name in messages})
    methods = file.service.add(name=service).method
    for rpc, (request, response) in rpcs.items():
        methods.add(name=rpc, input_type=f".{package}.{request}", output_type=f".{package}.{response}")
    return file


def load_file(file: descriptor_pb2.FileDescriptorProto) -> Any:
    """The descriptor of a file; that of the default pool where somebody has loaded its messages before."""
    pool = descriptor_pool.Default()
    try:
        return pool.FindFileContainingSymbol(f"{file.package}.{file.service[0].name}")
    except KeyError:
        return pool.AddSerializedFile(file.SerializeToString()) or pool.FindFileByName(file.name)


def message_classes(file: Any) -> dict[str, Any]:
    """The message classes of a file by name."""
    return {
        name: message_factory.GetMessageClass(message) for name, message in file.message_types_by_name.items()
    }


def _add_fields(
    message: descriptor_pb2.DescriptorProto, fields: Fields, path: str, others: Mapping[str, str]
) -> None:
    inner = {each.name for each in message.nested_type}
    enums = {each.name for each in message.enum_type}
    for text in fields:
        match = _FIELD.fullmatch(text)
        if match is None:
            raise ValueError(f"expected a field such as 'string name = 1', got {text!r}")
        repeated, map_value, kind, name, number = match.groups()
        field = message.field.add(name=name, number=int(number))
        field.label = _Field.LABEL_REPEATED if repeated or map_value else _Field.LABEL_OPTIONAL
        if map_value:
            field.type = _Field.TYPE_MESSAGE
            field.type_name = f"{path}.{_add_map_entry(message, name, map_value, path, inner)}"
        elif kind in enums:
            field.type, field.type_name = _Field.TYPE_ENUM, f"{path}.{kind}"
        elif kind in inner:
            field.type, field.type_name = _Field.TYPE_MESSAGE, f"{path}.{kind}"
        elif kind in others:
            field.type, field.type_name = _Field.TYPE_MESSAGE, others[kind]
        else:
            field.type = _SCALARS[kind]


def _add_map_entry(
    message: descriptor_pb2.DescriptorProto, field: str, value: str, path: str, inner: set[str]
) -> str:
    name = "".join(part[:1].upper() + part[1:] for part in field.split("_")) + "Entry"
    entry = message.nested_type.add(name=name)
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
    of_value = entry.field.add(name="value", number=2, label=_Field.LABEL_OPTIONAL)
    if value in inner:
        of_value.type, of_value.type_name = _Field.TYPE_MESSAGE, f"{path}.{value}"
    else:
        of_value.type = _SCALARS[value]
    return name
