"""Generated `to_dict`, and the same for the JSON encoder, which gets every value as JSON has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import _json_text as texts
from ._codecs import Codecs, codecs_of, overrides
from ._oneof import list_item
from ._schema import (
    AnyType,
    EnumType,
    Field,
    MapOf,
    Member,
    MessageSchema,
    MessageType,
    Repeated,
    Scalar,
    StructType,
    TimestampType,
    UnionOf,
    schema_of,
)
from ._source import Source

_MOST_INLINED_LEVELS = 3
_FLOATS = ("double", "float")


def make_to_dict(codecs: Codecs) -> Callable[[Any], dict[str, Any]]:
    return PlainWriter(codecs, for_json=False).function("to_dict")


def make_to_plain(codecs: Codecs) -> Callable[[Any], dict[str, Any]]:
    return PlainWriter(codecs, for_json=True).function("to_plain")


def make_json_plain(codecs: Codecs) -> Callable[[Any], Any]:
    """An object inside another one: what its class defines by hand has precedence."""
    if overrides(codecs.cls, "to_json"):
        return lambda self: texts.Finished(str(self.to_json()).encode())
    if overrides(codecs.cls, "to_dict"):
        return lambda self: texts.verbatim(self.to_dict())
    return codecs.to_plain


def enum_name(value: Any, names: dict[int, str]) -> Any:
    """The name of a member, a number or a name; numbers without a name stay numbers."""
    number = getattr(value, "value", value)
    return names.get(number, number)


def object_dict(value: Any) -> Any:
    """A data object as a dictionary; other things as they are."""
    return value.to_dict() if hasattr(value, "to_dict") else value


def object_plain(value: Any) -> Any:
    """A data object for the JSON encoder; other things as they are."""
    return value._json_plain() if hasattr(value, "_json_plain") else value


def any_dict(value: Any) -> Any:
    """A data object with the name of its type."""
    if not hasattr(value, "to_dict"):
        return value
    return {"@type": f"type.googleapis.com/{schema_of(type(value)).full_name}", **value.to_dict()}


def may_inline(cls: type[Any], inside: list[type[Any]], *, for_json: bool = True) -> bool:
    """True if the fields of a nested object may be written where the object stands."""
    by_hand = overrides(cls, "to_dict") or (for_json and overrides(cls, "to_json"))
    return not (by_hand or cls in inside or len(inside) > _MOST_INLINED_LEVELS or codecs_of(cls).unions)


@dataclass
class PlainWriter:
    """Generates the one or the other function of a class."""

    codecs: Codecs
    for_json: bool

    def __post_init__(self) -> None:
        self.source = Source()
        self.inlining: list[type[Any]] = [self.codecs.cls]
        self._names = 0

    def function(self, name: str) -> Callable[[Any], dict[str, Any]]:
        source, schema = self.source, self.codecs.schema
        source.line(f"def {name}(self):")
        source.indent()
        if not self.codecs.unions:
            source.line(f"return {self._display(schema, 'self')}")
        else:
            source.line("made = {}")
            for field in schema.fields:
                if isinstance(field.type, UnionOf):
                    self._union(field, field.type)
                else:
                    source.line(f"made[{field.name!r}] = {self.value(field.type, f'self.{field.name}')}")
            source.line("return made")
        return source.function(name, f"{self.codecs.cls.__qualname__}.{name}")

    def _display(self, schema: MessageSchema, owner: str) -> str:
        items = [f"{f.name!r}: {self.value(f.type, f'{owner}.{f.name}')}" for f in schema.fields]
        return f"{{{', '.join(items)}}}"

    def _union(self, field: Field, union: UnionOf) -> None:
        source = self.source
        which = source.use(self.codecs.which, "which_member")
        source.line(f"value = self._oneof_{field.name}")
        source.line("if value is not None:")
        source.indent()
        source.line(f"member = {which}(self, {field.name!r})")
        for position, member in enumerate(union.members):
            source.block(
                f"{'elif' if position else 'if'} member == {member.name!r}:",
                f"made[{member.name!r}] = {self._member(member)}",
            )
        source.dedent()

    def _member(self, member: Member) -> str:
        item = list_item(member)
        if item is None:
            return self.value(member.type, "value")
        wrapper = getattr(self.codecs.cls, member.wrapper) if member.wrapper else member.type.cls  # type: ignore[union-attr]  # not a wrapper: a class that unwraps
        name = schema_of(wrapper).fields[0].name
        plain = f"{{{name!r}: {self.value(Repeated(item), 'value')}}}"
        whole = self._call(object_plain if self.for_json else object_dict, "value")
        return f"{whole} if isinstance(value, {self.source.use(wrapper, wrapper.__name__)}) else {plain}"

    def value(self, node: Any, text: str) -> str:
        """An expression for the value of the expression `text`."""
        match node:
            case EnumType():
                return self._enum(node, text)
            case MessageType(cls, nested):
                return self._message(cls, nested, text)
            case AnyType():
                return self._any(text)
            case Repeated(item):
                return self._list(item, text)
            case MapOf(key, item):
                return self._map(key, item, text)
        return self._json_single(node, text) if self.for_json else text

    def _json_single(self, node: Any, text: str) -> str:
        match node:
            case Scalar(kind) if kind in _FLOATS:
                # Reading an attribute three times is faster than a name for it inside a comprehension.
                number = self._call(texts.number, text)
                return f"({text} if {text} is None or 1e-4 <= {text} < 1e16 else {number})"
            case Scalar("bytes"):
                return self._call(texts.bytes_text, text)
            case TimestampType():
                return text  # the encoder asks json_default
            case StructType():
                return self._call(texts.verbatim, text)
        return text

    def _enum(self, node: EnumType, text: str) -> str:
        names = node.names()
        table: dict[Any, str] = {**names, **{member: names[member.value] for member in node.cls}}
        known = self.source.use(table, f"table_{node.cls.__name__}")
        other = f"{self.source.use(enum_name, 'enum_name')}({{0}}, {self.source.use(names, 'names')})"
        held, first = self.hold(text)
        return f"(None if {first} is None else {known}.get({held}) or {other.format(held)})"

    def _message(self, cls: type[Any], nested: str | None, text: str) -> str:
        held, first = self.hold(text)
        if nested is not None:
            codecs = self.source.use(codecs_of(cls), cls.__name__)
            function = "to_plain" if self.for_json else "to_dict"
            return f"(None if {first} is None else {codecs}.{function}({held}))"
        other = self._call(object_plain if self.for_json else object_dict, held)
        if not may_inline(cls, self.inlining, for_json=self.for_json):
            return f"(None if {first} is None else {other})"
        self.inlining.append(cls)
        display = self._display(schema_of(cls), held)
        self.inlining.pop()
        exactly = f"type({first}) is {self.source.use(cls, cls.__name__)}"
        return f"({display} if {exactly} else None if {held} is None else {other})"

    def _any(self, text: str) -> str:
        made = self._call(any_dict, text)
        return self._call(texts.verbatim, made) if self.for_json else made

    def _list(self, item: Any, text: str) -> str:
        if self.for_json and isinstance(item, Scalar) and item.kind in _FLOATS:
            return self._call(texts.numbers, text)
        held, first = self.hold(text)
        converted = (AnyType, EnumType, MessageType, *([StructType] if self.for_json else []))
        if isinstance(item, converted):
            each = self.name()
            made = self.value(item, each)
            return f"(None if {first} is None else [{made} for {each} in {held}])"
        plain = self._call(texts.plain_list, held)
        as_it_is = held if self.for_json else f"{held}[:]"
        return f"({as_it_is} if type({first}) is list else {plain})"

    def _map(self, key: Scalar, item: Any, text: str) -> str:
        held, first = self.hold(text)
        name, each = self.name(), self.name()
        value = self.value(item, each)
        named = name if key.kind == "string" or not self.for_json else self._call(texts.key_text, name)
        if value == each and named == name:
            return f"(None if {first} is None else dict({held}))"
        return f"(None if {first} is None else {{{named}: {value} for {name}, {each} in {held}.items()}})"

    def _call(self, function: Callable[..., Any], text: str) -> str:
        return f"{self.source.use(function, function.__name__)}({text})"

    def hold(self, text: str) -> tuple[str, str]:
        """A name for a value that is used more than once, and the expression that has to come first."""
        if text.isidentifier():
            return text, text
        name = self.name()
        return name, f"({name} := {text})"

    def name(self) -> str:
        self._names += 1
        return f"v{self._names}"
