"""Generated JSON text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import _json_text as texts
from ._codecs import Codecs, codecs_of, overrides
from ._dict_write import any_dict, enum_name
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

_NUMERIC = ("int64", "uint64", "int32", "uint32", "double", "float", "bool")


def make_json_text(codecs: Codecs) -> Callable[[Any], str]:
    """The text of an object inside another one: what its class defines by hand has precedence."""
    if overrides(codecs.cls, "to_json") and not _is_base_to_json(codecs.cls):
        return lambda self: str(self.to_json())
    if overrides(codecs.cls, "to_dict"):
        return lambda self: texts.text_of(self.to_dict())
    return codecs.write_json


def _is_base_to_json(cls: type[Any]) -> bool:
    owner = next(base for base in cls.__mro__ if "to_json" in base.__dict__)
    return bool(owner.__dict__.get("_is_data_base"))


def make_write_json(codecs: Codecs) -> Callable[[Any], str]:
    source = Source()
    source.line("def write_json(self):")
    source.indent()
    template = ""
    for position, field in enumerate(codecs.schema.fields):
        value, text = f"v{position}", f"t{position}"
        if isinstance(field.type, UnionOf):
            _write_union(source, codecs, field, field.type, value, text)
            template += f"{{{text}}}"
        else:
            source.line(f"{value} = self.{field.name}")
            source.line(f"{text} = {_text(source, field.type, value)}")
            template += f"{_key(field.name)}{{{text}}}"
    if template.startswith("{"):
        # Which of the parts comes first is only known when the text is there.
        source.line(f"text = f{template!r}")
        source.line("return '{' + text[2:] + '}'")
    else:
        source.line("return f" + repr("{{" + template[2:] + "}}"))
    return source.function("write_json", f"{codecs.cls.__qualname__}.to_json")


def _key(name: str) -> str:
    return f", {texts.string_text(name)}: "


def _write_union(source: Source, codecs: Codecs, field: Field, union: UnionOf, value: str, text: str) -> None:
    which = source.use(codecs.which, "which_member")
    source.line(f"{value} = self._oneof_{field.name}")
    source.line(f"{text} = ''")
    source.line(f"if {value} is not None:")
    source.indent()
    source.line(f"member = {which}(self, {field.name!r})")
    for position, member in enumerate(union.members):
        source.line(f"{'elif' if position else 'if'} member == {member.name!r}:")
        source.indent()
        source.line(f"{text} = {_member(source, codecs, member, value)}")
        source.line(f"{text} = f{(_key(member.name) + '{' + text + '}')!r}")
        source.dedent()
    source.dedent()


def _member(source: Source, codecs: Codecs, member: Member, value: str) -> str:
    item = list_item(member)
    if item is None:
        return _text(source, member.type, value)
    wrapper = getattr(codecs.cls, member.wrapper) if member.wrapper else member.type.cls  # type: ignore[union-attr]  # not a wrapper: a class that unwraps
    name = schema_of(wrapper).fields[0].name
    plain = f"'{{' + {_key(name)[2:]!r} + ({_text(source, Repeated(item), value)}) + '}}'"
    return (
        f"{value}._json_text() if isinstance({value}, {source.use(wrapper, wrapper.__name__)}) else {plain}"
    )


def _text(source: Source, node: Any, value: str) -> str:
    """An expression for the JSON text of a value; ints and floats may stay what they are."""
    rest = f"'null' if {value} is None else {source.use(texts.text_of, 'text_of')}({value})"
    match node:
        case Scalar(kind):
            return _scalar(source, kind, value, rest)
        case EnumType():
            table = source.use(_enum_texts(node), f"texts_{node.cls.__name__}")
            other = source.use(_EnumText(node.names()), f"text_{node.cls.__name__}")
            return f"'null' if {value} is None else {table}.get({value}) or {other}({value})"
        case MessageType(cls, nested):
            if nested is not None:
                codecs = source.use(codecs_of(cls), cls.__name__)
                return f"'null' if {value} is None else {codecs}.write_json({value})"
            other = source.use(texts.object_text, "object_text")
            return (
                f"{value}._json_text() if {value}.__class__ is {source.use(cls, cls.__name__)} "
                f"else {other}({value})"
            )
        case AnyType():
            as_dict = source.use(any_dict, "any_dict")
            return f"{source.use(texts.text_of, 'text_of')}({as_dict}({value}))"
        case Repeated(item):
            return _list(source, item, value)
        case MapOf(_, item) if isinstance(item, (EnumType, MessageType, AnyType)):
            key = source.use(texts.key_text, "key_text")
            each = f"{key}(key) + ': ' + ({_text(source, item, 'item')})"
            joined = f"'{{' + ', '.join([{each} for key, item in {value}.items()]) + '}}'"
            return f"'null' if {value} is None else {joined}"
    return rest


def _list(source: Source, item: Any, value: str) -> str:
    match item:
        case Scalar(kind) if kind in _NUMERIC:
            return f"{source.use(texts.numbers_text, 'numbers_text')}({value})"
        case Scalar("string"):
            return f"{source.use(texts.strings_text, 'strings_text')}({value})"
        case EnumType() | MessageType() | AnyType():
            each = _text(source, item, "item")
            return f"'null' if {value} is None else '[' + ', '.join([{each} for item in {value}]) + ']'"
    plain = source.use(texts.plain, "plain")
    return f"{source.use(texts.text_of, 'text_of')}({plain}({value}))"


def _scalar(source: Source, kind: str, value: str, rest: str) -> str:
    if kind == "string":
        return (
            f"{source.use(texts.string_text, 'string_text')}({value}) if {value}.__class__ is str else {rest}"
        )
    if kind == "bool":
        return f"'true' if {value} is True else 'false' if {value} is False else {rest}"
    if kind == "bytes":
        return f"{source.use(texts.bytes_text, 'bytes_text')}({value})"
    if kind in ("double", "float"):
        encode = source.use(texts.encode_float, "encode_float")
        other = source.use(texts.float_text, "float_text")
        return (
            f"{encode}({value}).decode() if {value}.__class__ is float and 1e-4 <= {value} < 1e16 "
            f"else {other}({value}) if {value}.__class__ is float else {rest}"
        )
    return f"{value} if {value}.__class__ is int else {rest}"


def _enum_texts(node: EnumType) -> dict[Any, str]:
    by_number = {number: texts.string_text(name) for number, name in node.names().items()}
    return {**by_number, **{member: by_number[member.value] for member in node.cls}}


class _EnumText:
    """Text of enum values that are neither members nor their numbers."""

    def __init__(self, names: dict[int, str]) -> None:
        self._names = names

    def __call__(self, value: Any) -> str:
        return texts.text_of(enum_name(value, self._names))
