"""Generated `from_proto` and `decode_given`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError, Message

from . import _proto_values as values
from ._codecs import Codecs, codecs_of, overrides
from ._init_code import arguments_with, call_constructor, default_text, start_arguments
from ._oneof import list_item, make_infer
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


class BytesInputError(ValueError):
    """Bytes that are no message of the expected type."""


def make_from_proto(codecs: Codecs) -> Callable[[Any, Any], Any]:
    message = codecs.cls.get_proto_class()

    def from_proto(cls: Any, proto: Any) -> Any:
        if proto.__class__ is not message:
            check_message(cls, proto)
        return codecs.read_message(cls, proto)

    return from_proto


def make_read_message(codecs: Codecs) -> Callable[[Any, Any], Any]:
    """`from_proto` for messages that are known to be of the right class."""
    source = Source()
    source.line("def read_message(cls, proto):")
    source.indent()
    if codecs.builds_directly:
        source.line(f"self = {source.use(object.__new__, 'new')}(cls)")
        if codecs.unions:
            source.line("self._which = None")
        for field in codecs.schema.fields:
            _read_into_slot(source, codecs, field)
        source.line("return self")
    else:
        _call_constructor(source, codecs)
    return source.function("read_message", f"{codecs.cls.__qualname__}.from_proto")


def make_decode_given(codecs: Codecs) -> Callable[[bytes], dict[str, Any]]:
    source = Source()
    parse = source.use(codecs.cls.get_proto_class().FromString, "parse")
    failure = source.use(_undecodable, "undecodable")
    error = source.use(DecodeError, "DecodeError")
    source.line("def decode_given(data):")
    source.indent()
    source.line("try:")
    source.indent()
    source.line(f"proto = {parse}(data)")
    source.line("given = {}")
    for field in codecs.schema.fields:
        _read_given(source, codecs, field, "given")
    source.line("return given")
    source.dedent()
    source.block(
        f"except ({error}, OverflowError) as error:",
        f"raise {failure}({codecs.schema.full_name!r}, error) from None",
    )
    return source.function("decode_given", f"{codecs.cls.__qualname__}.decode_given")


def _undecodable(full_name: str, error: Exception) -> BytesInputError:
    return BytesInputError(f"expected a message of type {full_name}: {error}")


def check_message(cls: type[Any], proto: Any) -> None:
    """Refuse what is not a message of the same name."""
    if not isinstance(proto, Message):
        raise TypeError(
            f"type check failed: variable `proto` has type `{type(proto).__name__}` not in `('Message',)`"
        )
    expected = schema_of(cls).name
    if proto.DESCRIPTOR.name != expected:
        raise ValueError(f"class name `{expected}` does not match protobufs name `{proto.DESCRIPTOR.name}`")


def _read_into_slot(source: Source, codecs: Codecs, field: Field) -> None:
    if isinstance(field.type, UnionOf):
        _read_union(
            source,
            codecs,
            field,
            field.type,
            lambda text: f"self._oneof_{field.name} = {text}",
            lambda member: f"self._which = {{**(self._which or {{}}), {field.name!r}: {member!r}}}",
        )
        return
    target = f"self.{field.name}"
    if field.presence and isinstance(field.type, (Scalar, EnumType)):
        source.line(f"value = proto.{field.name}")
        absent = default_text(source, field)
        source.line(f"{target} = value if value or proto.HasField({field.name!r}) else {absent}")
    elif _has_presence(field):
        source.line(
            f"{target} = {_read(source, codecs, field.type, f'proto.{field.name}', field.name)} "
            f"if proto.HasField({field.name!r}) else {default_text(source, field)}"
        )
    else:
        source.line(f"{target} = {_read(source, codecs, field.type, f'proto.{field.name}', field.name)}")


def _has_presence(field: Field) -> bool:
    return field.presence or not isinstance(field.type, (Scalar, EnumType, Repeated, MapOf))


def _read_given(source: Source, codecs: Codecs, field: Field, given: str) -> None:
    if isinstance(field.type, UnionOf):
        _read_union(source, codecs, field, field.type, lambda text: f"{given}[{field.name!r}] = {text}", None)
        return
    assign = (
        f"{given}[{field.name!r}] = {_read(source, codecs, field.type, f'proto.{field.name}', field.name)}"
    )
    if _has_presence(field):
        source.block(f"if proto.HasField({field.name!r}):", assign)
    elif isinstance(field.type, (Repeated, MapOf)):
        source.block(f"if proto.{field.name}:", assign)
    else:
        source.line(assign)


def _call_constructor(source: Source, codecs: Codecs) -> None:
    """Leave what is absent to the constructor, unless it insists on the argument."""
    required = required_parameters(codecs.cls)
    start_arguments(source, codecs.cls)
    for field in codecs.schema.fields:
        _read_argument(source, codecs, field)
        if field.name in required and (_has_presence(field) or isinstance(field.type, UnionOf)):
            source.line(f"arguments.setdefault({field.name!r}, {default_text(source, field)})")
    call_constructor(source, codecs.cls, "cls")


def _read_argument(source: Source, codecs: Codecs, field: Field) -> None:
    arguments = arguments_with(codecs.cls, field.name)

    def assign(text: str) -> str:
        return f"{arguments}[{field.name!r}] = {text}"

    def name_member(member: str) -> str:
        return f"{arguments}[{member!r}] = {arguments}.pop({field.name!r})"

    if isinstance(field.type, UnionOf):
        by_member = getattr(codecs.cls.__init__, "_is_generated", False)
        _read_union(source, codecs, field, field.type, assign, name_member if by_member else None)
        return
    line = assign(_read(source, codecs, field.type, f"proto.{field.name}", field.name))
    if _has_presence(field):
        source.block(f"if proto.HasField({field.name!r}):", line)
    else:
        source.line(line)


def required_parameters(cls: type[Any]) -> set[str]:
    """Arguments that the constructor insists on."""
    if getattr(cls.__init__, "_is_generated", False):
        return set()
    parameters = inspect.signature(cls.__init__).parameters.values()
    return {parameter.name for parameter in parameters if parameter.default is parameter.empty}


def _read(source: Source, codecs: Codecs, node: Any, text: str, name: str) -> str:
    """An expression for the Python value of a field that is present."""
    match node:
        case Repeated(item):
            if isinstance(item, (Scalar, EnumType)):
                return f"{text}[:]"
            return f"[{_read_single(source, codecs, item, 'item', name)} for item in {text}]"
        case MapOf(_, value):
            if isinstance(value, (Scalar, EnumType)):
                return f"dict({text})"
            return f"{{key: {_read_single(source, codecs, value, 'item', name)} for key, item in {text}.items()}}"
        case single:
            return _read_single(source, codecs, single, text, name)


def _read_single(source: Source, codecs: Codecs, node: Single, text: str, name: str) -> str:
    match node:
        case Scalar() | EnumType():
            return text
        case MessageType(cls):
            owner = source.use(cls, cls.__name__)
            if overrides(cls, "from_proto"):
                return f"{owner}.from_proto({text})"
            return f"{source.use(codecs_of(cls).message_reader(), f'read_{cls.__name__}')}({owner}, {text})"
        case TimestampType():
            place = f"{codecs.schema.name}.{name}"
            return f"{source.use(values.read_timestamp, 'read_timestamp')}({text}, {place!r})"
        case StructType():
            return f"{source.use(values.read_struct, 'read_struct')}({text})"
        case AnyType():
            return f"{source.use(values.read_any, 'read_any')}({text})"


def _read_union(
    source: Source,
    codecs: Codecs,
    field: Field,
    union: UnionOf,
    assign: Callable[[str], str],
    set_which: Callable[[str], str] | None,
) -> None:
    source.line(f"member = proto.WhichOneof({field.name!r})")
    source.block("if member is None:", assign(default_text(source, field)) if set_which else "pass")
    for member in union.members:
        source.line(f"elif member == {member.name!r}:")
        source.indent()
        source.line(assign(_read_member(source, codecs, member)))
        if set_which is not None and not is_inferred(union, member):
            source.line(set_which(member.name))
        source.dedent()


def _read_member(source: Source, codecs: Codecs, member: Member) -> str:
    item = list_item(member)
    if item is None:
        return _read(source, codecs, member.type, f"proto.{member.name}", member.name)
    wrapper = getattr(codecs.cls, member.wrapper) if member.wrapper else member.type.cls  # type: ignore[union-attr]  # not a wrapper: a class that unwraps
    items = f"proto.{member.name}.{schema_of(wrapper).fields[0].name}"
    return _read(source, codecs, Repeated(item), items, member.name)


_SAMPLES: dict[str, Any] = {
    "bool": True,
    "string": "",
    "bytes": b"",
    "double": 0.5,
    "float": 0.5,
    "int64": 1,
    "uint64": 1,
    "int32": 1,
    "uint32": 1,
}


def is_inferred(union: UnionOf, member: Member) -> bool:
    """True if every value of this member leads back to it, so that it need not be remembered."""
    match member.type:
        case Scalar(kind):
            return make_infer("", union)(_SAMPLES[kind]) == member.name
        case MessageType() if list_item(member) is None:
            return _first_of_its_type(union, member)
        case TimestampType() | StructType():
            return _first_of_its_type(union, member)
    return False


def _first_of_its_type(union: UnionOf, member: Member) -> bool:
    return next(other.name for other in union.members if other.type == member.type) == member.name
