"""Python types of protobuf fields."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from ._schema import (
    EnumType,
    MapOf,
    MessageType,
    Repeated,
    Scalar,
    StructType,
    TimestampType,
    UnionOf,
    schema_of,
)

SCALAR_KINDS = {
    FieldDescriptor.TYPE_DOUBLE: "double",
    FieldDescriptor.TYPE_FLOAT: "float",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_SINT64: "int64",
    FieldDescriptor.TYPE_SFIXED64: "int64",
    FieldDescriptor.TYPE_UINT64: "uint64",
    FieldDescriptor.TYPE_FIXED64: "uint64",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_SINT32: "int32",
    FieldDescriptor.TYPE_SFIXED32: "int32",
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_FIXED32: "uint32",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
}
_SCALARS: dict[str, type[Any]] = {
    "string": str,
    "bytes": bytes,
    "bool": bool,
    "double": float,
    "float": float,
}


def python_type(cls: type[Any], name: str) -> type[Any]:
    """The type of a protobuf field; for lists the type of their elements."""
    for field in schema_of(cls).fields:
        if isinstance(field.type, UnionOf):
            for member in field.type.members:
                if member.name == name:
                    return getattr(cls, member.wrapper) if member.wrapper else _type(member.type)
        elif field.name == name:
            return _type(field.type)
    raise AttributeError(f"Invalid field {name}")


def _type(node: Any) -> type[Any]:
    match node:
        case Scalar(kind):
            return _SCALARS.get(kind, int)
        case EnumType(cls) | MessageType(cls):
            return cls
        case Repeated(item):
            return _type(item)
        case MapOf() | StructType():
            return dict
        case TimestampType():
            import datetime

            return datetime.datetime
    return object


def is_repeated(field: Any) -> bool:
    """True for lists and maps; older protobuf has only the label, which newer protobuf warns about."""
    if hasattr(field, "is_repeated"):
        return bool(field.is_repeated)
    return bool(field.label == FieldDescriptor.LABEL_REPEATED)
