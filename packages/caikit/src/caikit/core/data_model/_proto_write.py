"""Generated `fill_proto` and `to_proto`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import _proto_values as values
from ._codecs import Codecs, codecs_of, overrides
from ._explain import PROBLEMS, complain
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
    Single,
    StructType,
    TimestampType,
    UnionOf,
    schema_of,
)
from ._source import Source


def make_fill_proto(codecs: Codecs) -> Callable[[Any, Any], Any]:
    source = Source()
    source.line("def fill_proto(self, proto):")
    source.indent()
    for field in codecs.schema.fields:
        _write_field(source, codecs, field)
    source.line("return proto")
    return source.function("fill_proto", f"{codecs.cls.__qualname__}.fill_proto")


def make_to_proto(codecs: Codecs) -> Callable[[Any], Any]:
    source = Source()
    message = source.use(codecs.cls.get_proto_class(), "Message")
    source.line("def to_proto(self):")
    source.indent()
    if overrides(codecs.cls, "fill_proto"):
        source.line(f"return self.fill_proto({message}())")
        return source.function("to_proto", f"{codecs.cls.__qualname__}.to_proto")
    source.line("try:")
    source.indent()
    # The constructor of a message skips None and takes scalars in one call.
    direct = [field for field in codecs.schema.fields if isinstance(field.type, Scalar)]
    arguments = ", ".join(
        f"{field.name}={_accepted(source, field.type, f'self.{field.name}', hold=True)}" for field in direct
    )
    source.line(f"proto = {message}({arguments})")
    for field in codecs.schema.fields:
        if field not in direct:
            _write_field(source, codecs, field)
    source.line("return proto")
    source.dedent()
    problems = source.use(PROBLEMS, "problems")
    source.block(f"except {problems} as problem:", f"{source.use(complain, 'complain')}(self, problem)")
    return source.function("to_proto", f"{codecs.cls.__qualname__}.to_proto")


def _accepted(source: Source, node: Any, text: str, *, hold: bool = False) -> str:
    """The value as protobuf takes it: some versions refuse a bool as an integer."""
    if not isinstance(node, Scalar) or node.kind not in values.INTEGERS:
        return text
    convert = source.use(values.integer, "integer")
    if hold:
        return f"(value if (value := {text}).__class__ is int else {convert}(value))"
    return f"{text} if {text}.__class__ is int else {convert}({text})"


def _write_field(source: Source, codecs: Codecs, field: Field) -> None:
    match field.type:
        case UnionOf():
            _write_union(source, codecs, field, field.type)
        case node:
            source.line(f"value = self.{field.name}")
            source.line("if value is not None:")
            source.indent()
            match node:
                case Repeated(item):
                    _write_list(source, item, f"proto.{field.name}", "proto", field.number)
                case MapOf():
                    _write_map(source, node, f"proto.{field.name}")
                case single:
                    _write_single(source, single, field.name)
            source.dedent()


def _write_single(source: Source, node: Single | Repeated, name: str) -> None:
    """Assign `value`, which is not None, to a field of `proto`."""
    target = f"proto.{name}"
    match node:
        case Scalar():
            source.line(f"{target} = {_accepted(source, node, 'value')}")
        case EnumType():
            number = source.use(values.enum_number, "enum_number")
            source.line(f"{target} = value if value.__class__ is int else {number}(value)")
        case _:
            source.line(f"inner = {target}")
            source.line("inner.SetInParent()")
            _write_message(source, node, "inner", "value")


def _write_message(source: Source, node: Single | Repeated, target: str, value: str) -> None:
    """Fill the message `target` from a value that is not None."""
    match node:
        case MessageType(cls, nested):
            if nested is not None:
                source.line(f"{source.use(codecs_of(cls), cls.__name__)}.fill_proto({value}, {target})")
            elif _takes_a_list(cls):
                wrapper = source.use(cls, cls.__name__)
                source.block(f"if {value}.__class__ is list:", f"{value} = {wrapper}({value})")
                source.line(f"{value}.fill_proto({target})")
            else:
                source.line(f"{value}.fill_proto({target})")
        case TimestampType():
            source.line(f"{source.use(values.write_timestamp, 'write_timestamp')}({target}, {value})")
        case StructType():
            source.line(f"{source.use(values.write_struct, 'write_struct')}({target}, {value})")
        case AnyType():
            source.line(f"{source.use(values.write_any, 'write_any')}({target}, {value})")
        case _:
            raise TypeError(f"{node} is no message")


def _takes_a_list(cls: type[Any]) -> bool:
    fields = schema_of(cls).fields
    return cls.__name__.endswith("Sequence") and len(fields) == 1 and isinstance(fields[0].type, Repeated)


def _write_list(source: Source, item: Single, target: str, owner: str, number: int | None) -> None:
    match item:
        case Scalar(kind) if kind in values.PACKED_TYPES:
            extend = source.use(values.extend_numbers, "extend_numbers")
            plain = f"{target}.extend(value)"
            if kind in values.INTEGERS:
                plain = f"{source.use(values.extend_integers, 'extend_integers')}({target}, value)"
            source.block("if value.__class__ is list:", plain)
            source.block("else:", f"{extend}({owner}, {target}, {number}, {kind!r}, value)")
        case Scalar():
            source.line(f"{target}.extend(value)")
        case EnumType():
            convert = source.use(values.enum_value, "enum_value")
            names = source.use(item.numbers(), "numbers")
            source.line(f"{target}.extend([{convert}(item, {names}) for item in value])")
        case _:
            source.line(f"add = {target}.add")
            source.line("for item in value:")
            source.indent()
            if isinstance(item, MessageType) and item.nested is None and not _takes_a_list(item.cls):
                source.line("item.fill_proto(add())")
            else:
                source.line("inner = add()")
                _write_message(source, item, "inner", "item")
            source.dedent()


def _write_map(source: Source, node: MapOf, target: str) -> None:
    source.line(f"entries = {target}")
    source.line(f"for key, item in {source.use(values.map_items, 'map_items')}(value):")
    source.indent()
    if node.key.kind in values.INTEGERS:
        source.line(f"key = {_accepted(source, node.key, 'key')}")
    match node.value:
        case Scalar():
            source.line(f"entries[key] = {_accepted(source, node.value, 'item')}")
        case EnumType():
            convert = source.use(values.enum_value, "enum_value")
            names = source.use(node.value.numbers(), "numbers")
            source.line(f"entries[key] = {convert}(item, {names})")
        case _:
            source.line("inner = entries[key]")
            _write_message(source, node.value, "inner", "item")
    source.dedent()


def _write_union(source: Source, codecs: Codecs, field: Field, union: UnionOf) -> None:
    infer = source.use(codecs.unions[field.name], f"infer_{field.name}")
    source.line(f"value = self._oneof_{field.name}")
    source.line("if value is not None:")
    source.indent()
    source.line("which = getattr(self, '_which', None)")
    source.line(f"member = which[{field.name!r}] if which and {field.name!r} in which else {infer}(value)")
    for position, member in enumerate(union.members):
        source.line(f"{'elif' if position else 'if'} member == {member.name!r}:")
        source.indent()
        _write_member(source, codecs, member)
        source.dedent()
    source.dedent()


def _write_member(source: Source, codecs: Codecs, member: Member) -> None:
    item = list_item(member)
    if item is None:
        _write_single(source, member.type, member.name)
        return
    wrapper = getattr(codecs.cls, member.wrapper) if member.wrapper else member.type.cls  # type: ignore[union-attr]  # not a wrapper: a class that unwraps
    source.line(f"inner = proto.{member.name}")
    source.line("inner.SetInParent()")
    source.block(f"if isinstance(value, {source.use(wrapper, wrapper.__name__)}):", "value.fill_proto(inner)")
    source.line("else:")
    source.indent()
    field = schema_of(wrapper).fields[0]
    _write_list(source, item, f"inner.{field.name}", "inner", field.number)
    source.dedent()
