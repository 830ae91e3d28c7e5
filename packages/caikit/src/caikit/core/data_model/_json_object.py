"""Generated readers from JSON objects to data objects."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from . import _json_scalars as scalars
from ._codecs import Codecs, overrides
from ._init_code import default_text
from ._json_input import RefusedError
from ._json_nodes import Mode, Reader, node_reader, not_an_object
from ._json_union import member_reader, two_members, union_reader
from ._names import lower_camel
from ._proto_read import is_inferred, required_parameters
from ._schema import EnumType, Field, MapOf, MessageType, Repeated, Scalar, UnionOf
from ._source import Source

_lock = threading.RLock()


def own_reader(codecs: Codecs, mode: Mode) -> Reader:
    """The reader generated from the fields of a class."""
    reader = codecs.readers.get(mode)
    if reader is None:
        with _lock:
            reader = codecs.readers.get(mode)
            if reader is None:
                codecs.compiling.add(mode)
                try:
                    reader = codecs.readers[mode] = _make_own_reader(codecs, mode)
                finally:
                    codecs.compiling.discard(mode)
    return reader


def _make_own_reader(codecs: Codecs, mode: Mode) -> Reader:
    through_proto = mode.wire and overrides(codecs.cls, "from_proto")
    reader = _generate(codecs, mode, direct=through_proto or codecs.builds_directly)
    if not through_proto:
        return reader
    # Somebody reads the message by hand: show it the message that the JSON stands for.
    cls, message = codecs.cls, codecs.cls.get_proto_class()
    return lambda value: cls.from_proto(codecs.fill_proto(reader(value), message()))


def _generate(codecs: Codecs, mode: Mode, *, direct: bool) -> Reader:
    source = Source()
    cls = source.use(codecs.cls, "cls")
    source.line("def read(values):")
    source.indent()
    source.block(
        "if values.__class__ is not dict:", f"raise {source.use(not_an_object, 'not_an_object')}({cls})"
    )
    if direct:
        source.line(f"self = {source.use(object.__new__, 'new')}({cls})")
        if codecs.unions:
            source.line("self._which = None")
    else:
        source.line("given = {}")
    if direct and not codecs.unions and codecs.schema.fields:
        _read_complete(source, codecs, mode)
    source.line("get = values.get")
    source.line("left = len(values)")
    required = set() if direct else required_parameters(codecs.cls)
    for field in codecs.schema.fields:
        assign = _assigner(field, direct)
        absent = _absent(source, field, mode, direct or field.name in required)
        if isinstance(field.type, UnionOf):
            _read_union(source, codecs, field, field.type, mode, direct, assign, absent)
        else:
            _read_field(source, field, mode, assign, absent)
    again = source.use(_Respeller(codecs, mode), "respell")
    source.block("if left:", f"return read({again}(values))")
    source.line("return self" if direct else f"return {cls}(**given)")
    return source.function("read", f"{codecs.cls.__qualname__}.from_json")


def _read_complete(source: Source, codecs: Codecs, mode: Mode) -> None:
    """The short way for an object that has exactly the fields."""
    fields = codecs.schema.fields
    source.line(f"if len(values) == {len(fields)}:")
    source.indent()
    source.line("try:")
    source.indent()
    for field in fields:
        source.line(f"value = values[{field.name!r}]")
        absent = _absent(source, field, mode, True)
        source.line(f"self.{field.name} = {_expression(source, field.type, mode, absent)}")
    source.line("return self")
    source.dedent()
    source.block("except KeyError:", "pass")
    source.dedent()


def _assigner(field: Field, direct: bool) -> Callable[[str], str]:
    if not direct:
        return lambda text: f"given[{field.name!r}] = {text}"
    slot = f"_oneof_{field.name}" if isinstance(field.type, UnionOf) else field.name
    return lambda text: f"self.{slot} = {text}"


def _absent(source: Source, field: Field, mode: Mode, needed: bool) -> str | None:
    """What a field gets that is not given: None leaves it to the constructor."""
    if mode.wire and not field.presence:
        match field.type:
            case Scalar(kind):
                empty = {"string": "''", "bytes": "b''", "bool": "False", "double": "0.0", "float": "0.0"}
                return empty.get(kind, "0")
            case EnumType():
                return "0"
            case Repeated():
                return "[]"
            case MapOf():
                return "{}"
    return default_text(source, field) if needed else None


def _read_field(
    source: Source, field: Field, mode: Mode, assign: Callable[[str], str], absent: str | None
) -> None:
    name = repr(field.name)
    source.line(f"value = get({name})")
    source.line("if value is None:")
    source.indent()
    source.block(f"if {name} in values:", "left -= 1")
    if absent is not None:
        source.line(assign(absent))
    source.dedent()
    source.line("else:")
    source.indent()
    source.line("left -= 1")
    source.line(assign(_expression(source, field.type, mode)))
    source.dedent()


def _expression(source: Source, node: Any, mode: Mode, absent: str | None = None) -> str:
    """The value where its type is what JSON normally has, otherwise what the lenient reader makes of it."""
    lenient = f"{source.use(node_reader(node, mode), 'read_' + type(node).__name__.lower())}(value)"
    if absent is not None:
        lenient = f"{absent} if value is None else {lenient}"
    match node:
        case Scalar("string"):
            return f"value if value.__class__ is str else {lenient}"
        case Scalar("bool"):
            return f"value if value.__class__ is bool else {lenient}"
        case Scalar(kind) if kind in scalars.INTEGER_RANGES:
            low, high = scalars.INTEGER_RANGES[kind]
            return f"value if value.__class__ is int and {low} <= value <= {high} else {lenient}"
        case Scalar("double" | "float" as kind):
            limit = source.use(scalars.LARGEST[kind], "largest")
            return f"value if value.__class__ is float and -{limit} <= value <= {limit} else {lenient}"
        case Repeated(MessageType() as item):
            read = source.use(node_reader(item, mode), "read_item")
            return f"[{read}(item) for item in value] if value.__class__ is list else {lenient}"
    return lenient


def _read_union(
    source: Source,
    codecs: Codecs,
    field: Field,
    union: UnionOf,
    mode: Mode,
    direct: bool,
    assign: Callable[[str], str],
    absent: str | None,
) -> None:
    generated_init = getattr(codecs.cls.__init__, "_is_generated", False)
    source.line("found = None")
    choose = source.use(union_reader(union, mode), f"choose_{field.name}")
    readers = [(field.name, f"{choose}(value)")]
    for member in union.members:
        read = source.use(member_reader(codecs.cls, member, mode), f"read_{member.name}")
        readers.append((member.name, f"({member.name!r}, {read}(value))"))
    for name, expression in readers:
        source.line(f"if {name!r} in values:")
        source.indent()
        source.line("left -= 1")
        source.line(f"value = values[{name!r}]")
        source.line("if value is not None:")
        source.indent()
        source.block(
            "if found is not None:", f"raise {source.use(two_members, 'two_members')}({field.name!r})"
        )
        source.line(f"found = {expression}")
        source.dedent()
        source.dedent()
    source.line("if found is None:")
    source.line(f"    {assign(absent) if absent is not None else 'pass'}")
    source.line("else:")
    source.indent()
    certain = frozenset(member.name for member in union.members if is_inferred(union, member))
    source.line("member, value = found")
    if direct:
        source.line(assign("value"))
        source.block(
            f"if member not in {source.use(certain, f'certain_{field.name}')}:",
            f"self._which = {{**(self._which or {{}}), {field.name!r}: member}}",
        )
    elif generated_init:
        source.line("given[member] = value")
    else:
        source.line(assign("value"))
    source.dedent()


class _Respeller:
    """Turns lowerCamelCase keys into the names of fields and drops unknown keys where they are ignored."""

    def __init__(self, codecs: Codecs, mode: Mode) -> None:
        schema = codecs.schema
        names = [field.name for field in schema.fields]
        names += [
            member.name
            for field in schema.fields
            if isinstance(field.type, UnionOf)
            for member in field.type.members
        ]
        self._aliases = {lower_camel(name): name for name in names} | {name: name for name in names}
        self._ignore = mode.ignore_unknown

    def __call__(self, values: dict[str, Any]) -> dict[str, Any]:
        renamed = {}
        for key, value in values.items():
            name = self._aliases.get(key)
            if name is not None:
                renamed[name] = value
            elif not self._ignore:
                raise RefusedError("extra_forbidden", "Extra inputs are not permitted")
        return renamed
