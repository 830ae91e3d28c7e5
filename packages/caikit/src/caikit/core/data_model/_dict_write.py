"""Generated `to_dict`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._codecs import Codecs, codecs_of
from ._oneof import list_item
from ._schema import (
    AnyType,
    EnumType,
    Field,
    MapOf,
    Member,
    MessageType,
    Repeated,
    Scalar,
    UnionOf,
    schema_of,
)
from ._source import Source


def make_to_dict(codecs: Codecs) -> Callable[[Any], dict[str, Any]]:
    source = Source()
    source.line("def to_dict(self):")
    source.indent()
    source.line("made = {}")
    for field in codecs.schema.fields:
        if isinstance(field.type, UnionOf):
            _write_union(source, codecs, field, field.type)
        else:
            source.line(f"value = self.{field.name}")
            source.line(f"made[{field.name!r}] = {_value(source, field.type, 'value')}")
    source.line("return made")
    return source.function("to_dict", f"{codecs.cls.__qualname__}.to_dict")


def _write_union(source: Source, codecs: Codecs, field: Field, union: UnionOf) -> None:
    which = source.use(codecs.which, "which_member")
    source.line(f"value = self._oneof_{field.name}")
    source.line("if value is not None:")
    source.indent()
    source.line(f"member = {which}(self, {field.name!r})")
    for position, member in enumerate(union.members):
        source.block(
            f"{'elif' if position else 'if'} member == {member.name!r}:",
            f"made[{member.name!r}] = {_member(source, codecs, member)}",
        )
    source.dedent()


def _member(source: Source, codecs: Codecs, member: Member) -> str:
    item = list_item(member)
    if item is None:
        return _value(source, member.type, "value")
    wrapper = getattr(codecs.cls, member.wrapper) if member.wrapper else member.type.cls  # type: ignore[union-attr]  # not a wrapper: a class that unwraps
    name = schema_of(wrapper).fields[0].name
    plain = f"{{{name!r}: {_value(source, Repeated(item), 'value')}}}"
    return f"value.to_dict() if isinstance(value, {source.use(wrapper, wrapper.__name__)}) else {plain}"


def _value(source: Source, node: Any, text: str) -> str:
    match node:
        case Scalar():
            return text
        case EnumType():
            names = source.use(node.names(), f"names_{node.cls.__name__}")
            return f"None if {text} is None else {source.use(enum_name, 'enum_name')}({text}, {names})"
        case MessageType(cls, nested):
            if nested is not None:
                return (
                    f"None if {text} is None else {source.use(codecs_of(cls), cls.__name__)}.to_dict({text})"
                )
            return f"None if {text} is None else {source.use(object_dict, 'object_dict')}({text})"
        case Repeated(item):
            if isinstance(item, (AnyType, EnumType, MessageType)):
                each = _value(source, item, "item")
                return f"None if {text} is None else [{each} for item in {text}]"
            plain = source.use(plain_list, "plain_list")
            return f"{text}[:] if {text}.__class__ is list else {plain}({text})"
        case MapOf(_, value):
            if isinstance(value, (AnyType, EnumType, MessageType)):
                each = _value(source, value, "item")
                return f"None if {text} is None else {{key: {each} for key, item in {text}.items()}}"
            return f"None if {text} is None else dict({text})"
        case AnyType():
            return f"{source.use(any_dict, 'any_dict')}({text})"
    return text


def enum_name(value: Any, names: dict[int, str]) -> Any:
    """The name of a member, a number or a name; numbers without a name stay numbers."""
    number = getattr(value, "value", value)
    return names.get(number, number)


def object_dict(value: Any) -> Any:
    """A data object as a dictionary; other things as they are."""
    if not hasattr(value, "to_dict"):
        return value
    return value.to_dict()


def any_dict(value: Any) -> Any:
    """A data object with the name of its type."""
    if not hasattr(value, "to_dict"):
        return value
    return {"@type": f"type.googleapis.com/{schema_of(type(value)).full_name}", **value.to_dict()}


def plain_list(value: Any) -> Any:
    """Arrays and other iterables as lists."""
    if value is None or isinstance(value, str):
        return value
    return value.tolist() if hasattr(value, "tolist") else list(value)
