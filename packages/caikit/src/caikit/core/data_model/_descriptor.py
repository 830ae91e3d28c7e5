"""From schemas to protobuf descriptors in the default pool."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import Any

from google.protobuf import any_pb2, descriptor_pool, message_factory, struct_pb2, timestamp_pb2
from google.protobuf.descriptor import Descriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from ._names import entry_name, file_name
from ._schema import (
    AnyType,
    EnumType,
    Field,
    MapOf,
    MessageSchema,
    MessageType,
    Repeated,
    Scalar,
    Single,
    StructType,
    TimestampType,
    UnionOf,
    schema_of,
)

_LARGEST_NUMBER = 2**29 - 1
_PROTOBUF_NUMBERS = range(19000, 20000)
_SCALAR_TYPES = {
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "float": FieldDescriptorProto.TYPE_FLOAT,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "uint64": FieldDescriptorProto.TYPE_UINT64,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "uint32": FieldDescriptorProto.TYPE_UINT32,
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
}
_WELL_KNOWN: dict[type[Any], Descriptor] = {
    StructType: struct_pb2.Struct.DESCRIPTOR,
    TimestampType: timestamp_pb2.Timestamp.DESCRIPTOR,
    AnyType: any_pb2.Any.DESCRIPTOR,
}


def build_message(schema: MessageSchema, cls: type[Any]) -> Any:
    """The message class of a schema, registered in the default pool."""
    builder = _FileBuilder(schema.package, schema.name)
    builder.add_message(builder.file.message_type.add(), schema, cls)
    descriptor = builder.register().message_types_by_name[schema.name]
    return message_factory.GetMessageClass(descriptor)


def build_enum(package: str, name: str, members: dict[str, int]) -> Any:
    """The descriptor of an enum, registered in the default pool."""
    builder = _FileBuilder(package, name)
    add_enum_values(builder.file.enum_type.add(name=name), members)
    return builder.register().enum_types_by_name[name]


def add_enum_values(proto: EnumDescriptorProto, members: dict[str, int]) -> None:
    """Declaration order, but the first zero comes first: proto3 demands it."""
    zero = next(name for name, number in members.items() if number == 0)
    for name in (zero, *(other for other in members if other != zero)):
        proto.value.add(name=name, number=members[name])
    if len(set(members.values())) < len(members):
        proto.options.allow_alias = True


def enum_members(cls: type[Enum], placeholder: str | None) -> dict[str, int]:
    """Names and numbers as on the wire."""
    members = {name: member.value for name, member in cls.__members__.items()}
    return members if placeholder is None else {placeholder: 0, **members}


class _FileBuilder:
    """Collects one file and the files that it needs."""

    def __init__(self, package: str, name: str) -> None:
        self.file = FileDescriptorProto(name=file_name(package, name), package=package, syntax="proto3")
        self._needed: dict[str, FileDescriptor] = {}

    def add_message(self, proto: DescriptorProto, schema: MessageSchema, cls: type[Any]) -> None:
        proto.name = schema.name
        _check_numbers(schema)
        optional = []
        for field in schema.fields:
            if isinstance(field.type, UnionOf):
                self._add_union(proto, schema, field, field.type, cls)
            else:
                added = self._add_field(proto, schema, field)
                if field.presence:
                    optional.append(added)
        for added in optional:
            added.proto3_optional = True
            added.oneof_index = len(proto.oneof_decl)
            proto.oneof_decl.add(name=f"_{added.name}")

    def _add_union(
        self, proto: DescriptorProto, schema: MessageSchema, field: Field, union: UnionOf, cls: type[Any]
    ) -> None:
        index = len(proto.oneof_decl)
        proto.oneof_decl.add(name=field.name)
        for member in union.members:
            added = proto.field.add(name=member.name, number=member.number, oneof_index=index)
            added.label = FieldDescriptorProto.LABEL_OPTIONAL
            if member.wrapper is None:
                self._set_type(added, proto, schema, member.type)
                continue
            added.type = FieldDescriptorProto.TYPE_MESSAGE
            added.type_name = f".{schema.full_name}.{member.wrapper}"
            if all(nested.name != member.wrapper for nested in proto.nested_type):
                wrapper = getattr(cls, member.wrapper)
                self.add_message(proto.nested_type.add(), schema_of(wrapper), wrapper)

    def _add_field(self, proto: DescriptorProto, schema: MessageSchema, field: Field) -> FieldDescriptorProto:
        added = proto.field.add(name=field.name, number=field.number)
        match field.type:
            case Repeated(item):
                added.label = FieldDescriptorProto.LABEL_REPEATED
                self._set_type(added, proto, schema, item)
            case MapOf(key, value):
                added.label = FieldDescriptorProto.LABEL_REPEATED
                self._add_map(added, proto, schema, key, value)
            case UnionOf():
                raise TypeError(f"{schema.name}.{field.name}: a union is no single field")
            case node:
                added.label = FieldDescriptorProto.LABEL_OPTIONAL
                self._set_type(added, proto, schema, node)
        return added

    def _add_map(
        self,
        added: FieldDescriptorProto,
        proto: DescriptorProto,
        schema: MessageSchema,
        key: Scalar,
        value: Single,
    ) -> None:
        name = entry_name(added.name)
        entry = proto.nested_type.add(name=name)
        entry.options.map_entry = True
        for number, (part, node) in enumerate((("key", key), ("value", value)), start=1):
            field = entry.field.add(name=part, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL)
            self._set_type(field, proto, schema, node)
        added.type = FieldDescriptorProto.TYPE_MESSAGE
        added.type_name = f".{schema.full_name}.{name}"

    def _set_type(
        self,
        added: FieldDescriptorProto,
        proto: DescriptorProto,
        schema: MessageSchema,
        node: Single | Repeated,
    ) -> None:
        match node:
            case Scalar(kind):
                added.type = _SCALAR_TYPES[kind]
            case EnumType(cls, placeholder, nested):
                added.type = FieldDescriptorProto.TYPE_ENUM
                if nested is None:
                    added.type_name = self._refer(cls._proto_enum.DESCRIPTOR)  # type: ignore[attr-defined]  # set by @dataobject
                    return
                added.type_name = f".{schema.full_name}.{nested}"
                if all(enum.name != nested for enum in proto.enum_type):
                    add_enum_values(proto.enum_type.add(name=nested), enum_members(cls, placeholder))
            case MessageType(cls, nested):
                added.type = FieldDescriptorProto.TYPE_MESSAGE
                if nested is not None:
                    added.type_name = f".{schema.full_name}.{nested}"
                    if all(message.name != nested for message in proto.nested_type):
                        self.add_message(proto.nested_type.add(), schema_of(cls), cls)
                elif schema_of(cls).full_name == self._own_name():
                    added.type_name = f".{self._own_name()}"
                else:
                    added.type_name = self._refer(cls.get_proto_class().DESCRIPTOR)
            case _:
                added.type = FieldDescriptorProto.TYPE_MESSAGE
                added.type_name = self._refer(_WELL_KNOWN[type(node)])

    def _own_name(self) -> str:
        return ".".join(filter(None, (self.file.package, self.file.message_type[0].name)))

    def _refer(self, descriptor: Any) -> str:
        self._needed[descriptor.file.name] = descriptor.file
        return f".{descriptor.full_name}"

    def register(self) -> FileDescriptor:
        self._needed.pop(self.file.name, None)
        self.file.dependency.extend(sorted(self._needed))
        pool = descriptor_pool.Default()
        for needed in self._needed.values():
            _bring_into(pool, needed)
        known = _find_file(pool, self.file.name)
        if known is None:
            try:
                pool.AddSerializedFile(self.file.SerializeToString())
            except TypeError as error:
                raise TypeError(f"{error} in {self.file.name}") from error
            return pool.FindFileByName(self.file.name)
        existing = FileDescriptorProto()
        known.CopyToProto(existing)
        if existing != self.file:
            raise TypeError(
                f"Cannot add new file {self.file.name} to descriptor pool, "
                f"file already exists with different content: {self._two_of_one_name()}"
            )
        return known

    def _two_of_one_name(self) -> str:
        (declared,) = self.file.message_type or self.file.enum_type
        place = f"package {self.file.package}" if self.file.package else "the empty package"
        return (
            f"two data objects are called {declared.name} in {place}; rename one or use "
            '@dataobject("my.package"). If it is one that has changed, restart Python'
        )


def _check_numbers(schema: MessageSchema) -> None:
    users: dict[int, str] = {}
    for field in schema.fields:
        parts = field.type.members if isinstance(field.type, UnionOf) else (field,)
        for part in parts:
            if part.number is None:
                continue
            if part.number in users:
                raise TypeError(
                    f"duplicate field number ({part.number}) in {schema.full_name}: "
                    f"{users[part.number]} and {part.name}"
                )
            users[part.number] = part.name
            if part.number > _LARGEST_NUMBER or part.number in _PROTOBUF_NUMBERS:
                raise TypeError(
                    f"invalid field number ({part.number}) of {part.name} in {schema.full_name}: expected 1 to "
                    f"{_LARGEST_NUMBER} without 19000 to 19999, which protobuf keeps for itself"
                )
    doubled = [name for name, times in Counter(users.values()).items() if times > 1]
    if doubled:
        raise TypeError(f"duplicate field name ({doubled[0]}) in {schema.full_name}")


def _bring_into(pool: Any, file: FileDescriptor) -> None:
    """A descriptor can only refer to descriptors of its own pool."""
    if _find_file(pool, file.name) is None:
        for dependency in file.dependencies:
            _bring_into(pool, dependency)
        pool.AddSerializedFile(file.serialized_pb)


def _find_file(pool: Any, name: str) -> FileDescriptor | None:
    try:
        found: FileDescriptor = pool.FindFileByName(name)
    except KeyError:
        return None
    return found


def symbol_owner(symbol: str) -> str | None:
    """The file of the default pool that defines this symbol."""
    try:
        name: str = descriptor_pool.Default().FindFileContainingSymbol(symbol).name
    except KeyError:
        return None
    return name
