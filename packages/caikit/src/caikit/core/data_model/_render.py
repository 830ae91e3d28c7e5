"""Protobuf descriptors as .proto text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, FileDescriptor

from ._wire_types import is_repeated

_WIDTH = 80
_BANNER = f"""
/*{"-" * (_WIDTH - 2)}
 * AUTO GENERATED
 *{"-" * (_WIDTH - 4)}*/
"""
_SCALARS = {
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


def render_file(file: FileDescriptor) -> str:
    """A whole descriptor file."""
    return render_parts(
        file.package,
        imports=[dependency.name for dependency in file.dependencies],
        enums=list(file.enum_types_by_name.values()),
        messages=list(file.message_types_by_name.values()),
    )


def write_file(file: FileDescriptor, root_dir: str) -> None:
    """Write the .proto file of a descriptor into a directory."""
    Path(root_dir, file.name).write_text(render_file(file), encoding="utf-8")


def render_parts(
    package: str,
    *,
    imports: Iterable[str] = (),
    enums: Sequence[EnumDescriptor] = (),
    messages: Sequence[Descriptor] = (),
    services: Sequence[str] = (),
) -> str:
    """A file from its parts; services come as text, see `render_service`."""
    head = [_BANNER, 'syntax = "proto3";', f"package {package};"]
    head.extend(f'import "{name}";' for name in imports)
    sections = [
        ("ENUMS", [_enum(enum, 0) for enum in enums]),
        ("MESSAGES", [_message(message, 0) for message in messages]),
        ("SERVICES", [service.rstrip("\n").splitlines() for service in services]),
    ]
    lines = list(head)
    for title, parts in sections:
        if parts:
            lines += ["", "", f"/*-- {title} ".ljust(_WIDTH - 2, "-") + "*/"]
        for part in parts:
            lines += ["", *part]
    return "\n".join(lines) + "\n"


def render_service(name: str, rpcs: Iterable[tuple[str, str, bool, str, bool]]) -> str:
    """The text of a service; an RPC is (name, request, request streams, response, response streams)."""
    lines = [f"service {name} {{"]
    for rpc, request, request_streams, response, response_streams in rpcs:
        given = f"stream {request}" if request_streams else request
        returned = f"stream {response}" if response_streams else response
        lines.append(f"  rpc {rpc}({given}) returns ({returned});")
    return "\n".join([*lines, "}"]) + "\n"


def package_file_name(package: str) -> str:
    """The file that holds all objects of a package."""
    return package.replace(".", "_") + ".proto"


def _enum(enum: EnumDescriptor, depth: int) -> list[str]:
    numbers = [value.number for value in enum.values]
    alias = ["  option allow_alias = true;"] if len(set(numbers)) < len(numbers) else []
    values = [f"  {value.name} = {value.number};" for value in enum.values]
    return _indented([f"enum {enum.name} {{", *alias, *values, "}"], depth)


def _message(message: Descriptor, depth: int) -> list[str]:
    lines = [f"message {message.name} {{"]
    if message.enum_types:
        lines += ["", "  /*-- nested enums --*/"]
        for enum in message.enum_types:
            lines += _enum(enum, 1)
    if message.nested_types:
        lines += ["", "  /*-- nested messages --*/"]
        for nested in message.nested_types:
            if not nested.GetOptions().map_entry:
                lines += _message(nested, 1)
    if message.fields:
        lines += ["", "  /*-- fields --*/"]
    lines += [f"  {_field(field)}" for field in message.fields if not _in_union(field)]
    unions = [union for union in message.oneofs if _in_union(union.fields[0])]
    if unions:
        lines += ["", "  /*-- oneofs --*/"]
        for union in unions:
            lines.append(f"  oneof {union.name} {{")
            lines += [f"    {_typed(field)}" for field in union.fields]
            lines.append("  }")
    return _indented([*lines, "}"], depth)


def _indented(lines: list[str], depth: int) -> list[str]:
    prefix = "  " * depth
    return [f"{prefix}{line}" if line else line for line in lines]


def _in_union(field: FieldDescriptor) -> bool:
    return field.containing_oneof is not None and not _is_optional(field)


def _is_optional(field: FieldDescriptor) -> bool:
    """True for `optional` fields, which live in a oneof of their own."""
    union = field.containing_oneof
    return union is not None and len(union.fields) == 1 and union.name == f"_{field.name}"


def _field(field: FieldDescriptor) -> str:
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        key, value = entry.fields_by_name["key"], entry.fields_by_name["value"]
        return f"map<{_type(key)}, {_type(value)}> {field.name} = {field.number};"
    if is_repeated(field):
        return f"repeated {_typed(field)}"
    return f"optional {_typed(field)}" if _is_optional(field) else _typed(field)


def _typed(field: FieldDescriptor) -> str:
    return f"{_type(field)} {field.name} = {field.number};"


def _type(field: FieldDescriptor) -> str:
    if field.message_type is not None:
        return str(field.message_type.full_name)
    return str(field.enum_type.full_name) if field.enum_type is not None else _SCALARS[field.type]
