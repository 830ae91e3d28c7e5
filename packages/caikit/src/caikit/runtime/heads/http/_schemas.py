"""JSON schemas of data objects."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from caikit.core.data_model._json_union import member_node
from caikit.core.data_model._oneof import list_item
from caikit.core.data_model._schema import (
    AnyType,
    EnumType,
    Field,
    MapOf,
    Member,
    MessageType,
    Node,
    Repeated,
    Scalar,
    StructType,
    TimestampType,
    UnionOf,
    schema_of,
)

Schema = dict[str, Any]

_RANGES = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}
_SCALARS: dict[str, Schema] = {
    "double": {"type": "number", "format": "double"},
    "float": {"type": "number", "format": "float"},
    "bool": {"type": "boolean"},
    "string": {"type": "string"},
    "bytes": {"type": "string", "contentEncoding": "base64"},
}


class SchemaBook:
    """Collects the schemas that a document refers to; each has the full name of its message or enum."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}

    def refer(self, cls: type[Any]) -> Schema:
        """A reference to the schema of a data object class."""
        schema = schema_of(cls)
        if schema.full_name not in self.schemas:
            # Entered before it is complete: messages may refer to themselves.
            entry: Schema = {"type": "object", "title": schema.full_name}
            self.schemas[schema.full_name] = entry
            if schema.doc:
                entry["description"] = schema.doc
            entry["properties"] = self._message_properties(cls, schema.fields)
            entry["additionalProperties"] = False
        return _refer(schema.full_name)

    def properties(self, fields: Iterable[Field]) -> dict[str, Schema]:
        """Every field may be null, which means that it is not set."""
        return {field.name: nullable(self.describe(field.type)) for field in fields}

    def _message_properties(self, owner: type[Any], fields: Iterable[Field]) -> dict[str, Schema]:
        """On output, a union of a message has the name of the member that is set."""
        properties = self.properties(fields)
        for field in fields:
            if isinstance(field.type, UnionOf):
                for member in field.type.members:
                    properties.setdefault(member.name, nullable(self._describe_member(owner, member)))
        return properties

    def _describe_member(self, owner: type[Any], member: Member) -> Schema:
        """Lists are written in the object that wraps them on the wire, and read without it, too."""
        if list_item(member) is None:
            return self.describe(member.type)
        wrapped = self.refer(getattr(owner, member.wrapper)) if member.wrapper else self.describe(member.type)
        return {"anyOf": [self.describe(member_node(member)), wrapped]}

    def describe(self, node: Node) -> Schema:
        match node:
            case Scalar(kind):
                return _describe_scalar(kind)
            case MessageType():
                return self.refer(node.cls)
            case EnumType():
                return self._refer_enum(node)
            case Repeated():
                return {"type": "array", "items": self.describe(node.item)}
            case MapOf():
                return {"type": "object", "additionalProperties": self.describe(node.value)}
            case UnionOf():
                return {"anyOf": [self.describe(member_node(member)) for member in node.members]}
            case TimestampType():
                return {"type": "string", "format": "date-time"}
            case StructType():
                return {"type": "object"}
            case AnyType():
                return {}

    def _refer_enum(self, node: EnumType) -> Schema:
        name = enum_name(node.cls)
        if name not in self.schemas:
            numbers = node.numbers()
            self.schemas[name] = {"title": name, "enum": [*numbers, *sorted(set(numbers.values()))]}
        return _refer(name)


def enum_name(cls: type[Any]) -> str:
    wrapper = getattr(cls, "_proto_enum", None)
    if wrapper is not None:
        return str(wrapper.DESCRIPTOR.full_name)
    return re.sub(r"[^\w.]", "_", f"{cls.__module__}.{cls.__qualname__}", flags=re.ASCII)


def nullable(schema: Schema) -> Schema:
    if not schema:
        return schema
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    return {"anyOf": [schema, {"type": "null"}]}


def _describe_scalar(kind: str) -> Schema:
    if kind in _RANGES:
        least, most = _RANGES[kind]
        return {"type": "integer", "format": kind, "minimum": least, "maximum": most}
    return dict(_SCALARS[kind])


def _refer(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
