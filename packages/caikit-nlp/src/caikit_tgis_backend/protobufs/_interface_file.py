"""Reads an interface file: the part of proto3 that `generation.proto` is written in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool

__all__ = ["load_interface_file", "read_interface_file"]

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bool": _Field.TYPE_BOOL,
    "float": _Field.TYPE_FLOAT,
    "string": _Field.TYPE_STRING,
    "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64,
}
_WORD = re.compile(r'//[^\n]*|"[^"]*"|[\w.]+|[^\s\w]')
_OPTIONAL, _REPEATED = "optional", "repeated"


def load_interface_file(name: str, text: str) -> Any:
    """The descriptor of a file; that of the default pool where somebody has loaded its messages before."""
    file = read_interface_file(name, text)
    pool = descriptor_pool.Default()
    try:
        return pool.FindFileContainingSymbol(f"{file.package}.{file.service[0].name}")
    except KeyError:
        pool.AddSerializedFile(file.SerializeToString())
        return pool.FindFileByName(name)


def read_interface_file(name: str, text: str) -> descriptor_pb2.FileDescriptorProto:
    """What the file declares."""
    file = descriptor_pb2.FileDescriptorProto(name=name, syntax="proto3")
    _Reader(text).read(file)
    _Types(file).resolve()
    return file


class _Reader:
    def __init__(self, text: str) -> None:
        self._words: list[str] = [word for word in _WORD.findall(text) if not word.startswith("//")]

    def read(self, file: descriptor_pb2.FileDescriptorProto) -> None:
        while self._words:
            match self._next():
                case "syntax":
                    self._expect("=", '"proto3"', ";")
                case "package":
                    file.package = self._next()
                    self._expect(";")
                case "enum":
                    self._enum(file.enum_type.add())
                case "message":
                    self._message(file.message_type.add())
                case "service":
                    self._service(file.service.add())
                case word:
                    raise ValueError(f"expected a declaration, got {word!r}")

    def _message(self, message: descriptor_pb2.DescriptorProto) -> None:
        message.name = self._next()
        for word in self._block():
            match word:
                case "message":
                    self._message(message.nested_type.add())
                case "enum":
                    self._enum(message.enum_type.add())
                case "oneof":
                    message.oneof_decl.add(name=self._next())
                    index = len(message.oneof_decl) - 1
                    for kind in self._block():
                        self._field(message.field.add(oneof_index=index), kind)
                case _:
                    self._field(message.field.add(), word)
        # These come behind the others, as protoc has it.
        for field in message.field:
            if field.proto3_optional:
                field.oneof_index = len(message.oneof_decl)
                message.oneof_decl.add(name=f"_{field.name}")

    def _field(self, field: descriptor_pb2.FieldDescriptorProto, word: str) -> None:
        field.label = _Field.LABEL_REPEATED if word == _REPEATED else _Field.LABEL_OPTIONAL
        if word == _OPTIONAL:
            field.proto3_optional = True
        kind = self._next() if word in (_OPTIONAL, _REPEATED) else word
        if kind in _SCALARS:
            field.type = _SCALARS[kind]
        else:
            field.type_name = kind
        field.name = self._next()
        field.json_name = re.sub(r"_(\w)", lambda match: match.group(1).upper(), field.name)
        field.number = self._number()

    def _enum(self, enum: descriptor_pb2.EnumDescriptorProto) -> None:
        enum.name = self._next()
        for name in self._block():
            enum.value.add(name=name, number=self._number())

    def _service(self, service: descriptor_pb2.ServiceDescriptorProto) -> None:
        service.name = self._next()
        for _ in self._block():
            method = service.method.add(name=self._next())
            method.input_type, method.client_streaming = self._message_of_call()
            self._expect("returns")
            method.output_type, method.server_streaming = self._message_of_call()
            self._expect(";")
            for direction in ("client_streaming", "server_streaming"):
                if not getattr(method, direction):
                    method.ClearField(direction)

    def _message_of_call(self) -> tuple[str, bool]:
        self._expect("(")
        word = self._next()
        streams = word == "stream"
        name = self._next() if streams else word
        self._expect(")")
        return name, streams

    def _block(self) -> Iterator[str]:
        self._expect("{")
        while (word := self._next()) != "}":
            yield word

    def _number(self) -> int:
        self._expect("=")
        number = int(self._next())
        self._expect(";")
        return number

    def _expect(self, *words: str) -> None:
        for word in words:
            found = self._next()
            if found != word:
                raise ValueError(f"expected {word!r}, got {found!r}")

    def _next(self) -> str:
        if not self._words:
            raise ValueError("the interface file ends in the middle of a declaration")
        return self._words.pop(0)


class _Types:
    """Full names in place of those that were written."""

    def __init__(self, file: descriptor_pb2.FileDescriptorProto) -> None:
        self._file = file
        self._kinds: dict[str, _Field.Type.ValueType] = {}

    def resolve(self) -> None:
        scope = f".{self._file.package}"
        self._collect(scope, self._file.message_type, self._file.enum_type)
        for message in self._file.message_type:
            self._complete(message, scope)
        for service in self._file.service:
            for method in service.method:
                method.input_type = f"{scope}.{method.input_type}"
                method.output_type = f"{scope}.{method.output_type}"

    def _collect(
        self,
        scope: str,
        messages: Sequence[descriptor_pb2.DescriptorProto],
        enums: Sequence[descriptor_pb2.EnumDescriptorProto],
    ) -> None:
        for enum in enums:
            self._kinds[f"{scope}.{enum.name}"] = _Field.TYPE_ENUM
        for message in messages:
            self._kinds[f"{scope}.{message.name}"] = _Field.TYPE_MESSAGE
            self._collect(f"{scope}.{message.name}", message.nested_type, message.enum_type)

    def _complete(self, message: descriptor_pb2.DescriptorProto, outer: str) -> None:
        scope = f"{outer}.{message.name}"
        for inner in message.nested_type:
            self._complete(inner, scope)
        for field in message.field:
            if field.type_name:
                places = (f"{scope}.{field.type_name}", f".{self._file.package}.{field.type_name}")
                field.type_name = next(place for place in places if place in self._kinds)
                field.type = self._kinds[field.type_name]
