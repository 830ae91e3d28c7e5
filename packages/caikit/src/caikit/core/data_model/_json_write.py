"""Generated JSON text.

The text of an object is one f-string. Long lists of objects are written by orjson instead, which is faster from
about eight objects on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from . import _json_text as texts
from ._codecs import Codecs, codecs_of, overrides
from ._dict_write import PlainWriter, enum_name, may_inline
from ._numbers import holds_numbers, is_number_list
from ._oneof import list_item
from ._schema import EnumType, Field, Member, MessageSchema, MessageType, Repeated, Scalar, UnionOf, schema_of

_LONG_LIST = 8
_FLOATS = ("double", "float")


def make_to_json(codecs: Codecs) -> Callable[..., str]:
    write = codecs.write_json

    def to_json(self: Any, **kwargs: Any) -> str:
        if kwargs:
            kwargs.setdefault("default", texts.json_default)
            return json.dumps(self.to_dict(), **kwargs)
        return write(self)

    return to_json


def make_write_json(codecs: Codecs) -> Callable[[Any], str]:
    """The JSON text of what the class has as `to_dict`."""
    if overrides(codecs.cls, "to_dict"):
        return lambda self: texts.text_of(self.to_dict())
    return _TextWriter(codecs).function()


def object_text(value: Any) -> str:
    """A data object; None and things that are no data objects as json.dumps writes them."""
    text: str = value.to_json() if hasattr(value, "to_json") else texts.text_of(value)
    return text


class _TextWriter:
    """Generates `write_json` of a class."""

    def __init__(self, codecs: Codecs) -> None:
        self.codecs = codecs
        self.plain = PlainWriter(codecs, for_json=True)
        self.source = self.plain.source

    def function(self) -> Callable[[Any], str]:
        source = self.source
        source.line("def write_json(self):")
        source.indent()
        source.line("try:")
        source.indent()
        self._object(self.codecs.schema, "self", "return ")
        source.dedent()
        source.block(
            f"except {self._use(texts.UNENCODABLE, 'unencodable')}:",
            f"return {self._use(texts.text_of)}(self.to_dict())",
        )
        return source.function("write_json", f"{self.codecs.cls.__qualname__}.to_json")

    def _use(self, value: Any, hint: str = "") -> str:
        return self.source.use(value, hint or value.__name__)

    def _object(self, schema: MessageSchema, owner: str, assign: str) -> None:
        """Statements that end with the text of an object."""
        template = ""
        for field in schema.fields:
            text = self.plain.name()
            if isinstance(field.type, UnionOf):
                self._union(field, field.type, text)
                template += f"{{{text}}}"
            else:
                self._assign(text, field.type, f"{owner}.{field.name}")
                template += f"{_key(field.name)}{{{text}}}"
        if template.startswith("{"):
            # Which of the parts comes first is only known when the text is there.
            self.source.line(f"text = f'{template}'")
            self.source.line(f"{assign}'{{' + text[2:] + '}}'")
        else:
            self.source.line(f"{assign}f'{{{{{template[2:]}}}}}'")

    def _assign(self, target: str, node: Any, value: str) -> None:
        """Statements for the text of a value."""
        match node:
            case MessageType(cls, None) if may_inline(cls, self.plain.inlining):
                self._message(target, cls, value)
            case Repeated(MessageType(cls)):
                self._list(target, node, cls, value)
            case _:
                self.source.line(f"{target} = {value}")
                self.source.line(f"{target} = {self._text(node, target)}")

    def _message(self, target: str, cls: type[Any], value: str) -> None:
        source, held = self.source, self.plain.name()
        source.line(f"{held} = {value}")
        source.line(f"if type({held}) is {self._use(cls)}:")
        source.indent()
        self.plain.inlining.append(cls)
        self._object(schema_of(cls), held, f"{target} = ")
        self.plain.inlining.pop()
        source.dedent()
        source.block("else:", f"{target} = {self._use(object_text)}({held})")

    def _list(self, target: str, node: Repeated, cls: type[Any], value: str) -> None:
        source, held, each = self.source, self.plain.name(), self.plain.name()
        source.line(f"{held} = {value}")
        source.block(f"if {held} is None:", f"{target} = 'null'")
        if not holds_numbers(cls):
            plain = f"{self._use(texts.plain_text)}({self.plain.value(node, held)})"
            source.block(f"elif type({held}) is list and len({held}) >= {_LONG_LIST}:", f"{target} = {plain}")
        items = f"[{self._item(node.item, cls, each)} for {each} in {held}]"
        source.block("else:", f"{target} = '[' + ', '.join({items}) + ']'")

    def _item(self, node: Any, cls: type[Any], item: str) -> str:
        """An expression for the text of an object in a list."""
        if node.nested is not None or not may_inline(cls, self.plain.inlining):
            return self._text(node, item)
        parts = [f"{_key(f.name)}{{{self._text(f.type, f'{item}.{f.name}')}}}" for f in schema_of(cls).fields]
        text = f'f"""{{{{{"".join(parts)[2:]}}}}}"""'
        return f"{text} if type({item}) is {self._use(cls)} else {self._use(object_text)}({item})"

    def _text(self, node: Any, value: str) -> str:
        """An expression for the text of a value; integers may stay what they are."""
        rest = f"'null' if {value} is None else {self._use(texts.text_of)}({value})"
        match node:
            case Scalar("string"):
                return f"{self._use(texts.string_text, 'string_text')}({value}) if type({value}) is str else {rest}"
            case Scalar("bool"):
                return f"'true' if {value} is True else 'false' if {value} is False else {rest}"
            case Scalar("bytes"):
                return f"{self._use(texts.text_of)}({value})"
            case Scalar(kind) if kind in _FLOATS:
                usual = f"type({value}) is float and 1e-4 <= {value} < 1e16"
                return f"{self._use(texts.compact, 'compact')}({value}).decode() if {usual} else {rest}"
            case Scalar():
                return f"{value} if type({value}) is int else {rest}"
            case EnumType():
                return self._enum(node, value)
            case MessageType(cls, nested) if nested is not None:
                codecs = self._use(codecs_of(cls), cls.__name__)
                return f"'null' if {value} is None else {codecs}.write_json({value})"
            case MessageType():
                return f"{self._use(object_text)}({value})"
            case Repeated() if is_number_list(node):
                return f"{self._use(texts.numbers_text)}({value})"
        return f"{self._use(texts.plain_text)}({self.plain.value(node, value)})"

    def _enum(self, node: EnumType, value: str) -> str:
        by_number = {number: texts.string_text(name) for number, name in node.names().items()}
        table: dict[Any, str] = {**by_number, **{member: by_number[member.value] for member in node.cls}}
        known = self._use(table, f"texts_{node.cls.__name__}")
        name = f"{self._use(enum_name)}({value}, {self._use(node.names(), 'names')})"
        return f"'null' if {value} is None else {known}.get({value}) or {self._use(texts.text_of)}({name})"

    def _union(self, field: Field, union: UnionOf, part: str) -> None:
        source = self.source
        which = self._use(self.codecs.which, "which_member")
        source.line(f"value = self._oneof_{field.name}")
        source.line(f"{part} = ''")
        source.line("if value is not None:")
        source.indent()
        source.line(f"member = {which}(self, {field.name!r})")
        for position, member in enumerate(union.members):
            source.line(f"{'elif' if position else 'if'} member == {member.name!r}:")
            source.indent()
            self._member(member, part)
            source.line(f"{part} = f'{_key(member.name)}{{{part}}}'")
            source.dedent()
        source.dedent()

    def _member(self, member: Member, target: str) -> None:
        item = list_item(member)
        if item is None:
            self._assign(target, member.type, "value")
            return
        source = self.source
        wrapper = getattr(self.codecs.cls, member.wrapper) if member.wrapper else member.type.cls  # type: ignore[union-attr]  # not a wrapper: a class that unwraps
        source.block(
            f"if isinstance(value, {self._use(wrapper)}):", f"{target} = {self._use(object_text)}(value)"
        )
        source.line("else:")
        source.indent()
        self._assign(target, Repeated(item), "value")
        source.line(f"{target} = f'{{{{{_key(schema_of(wrapper).fields[0].name)[2:]}{{{target}}}}}}}'")
        source.dedent()


def _key(name: str) -> str:
    """A separator and a key, as they stand in an f-string."""
    return f", {texts.string_text(name)}: ".replace("\\", "\\\\")
