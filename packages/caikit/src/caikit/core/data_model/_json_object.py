"""Generated readers from JSON objects to data objects."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from . import _json_scalars as scalars
from ._codecs import Codecs, overrides
from ._init_code import arguments_with, call_constructor, default_text, start_arguments
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
    reader = _generate(codecs, mode, direct=through_proto or codecs.builds_directly, bare=through_proto)
    if not through_proto:
        return reader
    # Somebody reads the message by hand: show it the message that the JSON stands for.
    cls, message = codecs.cls, codecs.cls.get_proto_class()
    return lambda value: cls.from_proto(codecs.fill_proto(reader(value), message()))


def _generate(codecs: Codecs, mode: Mode, *, direct: bool, bare: bool) -> Reader:
    """`direct` fills slots instead of calling the constructor; `bare` leaves out the defaults."""
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
        start_arguments(source, codecs.cls)
    if direct and not codecs.unions and codecs.schema.fields:
        _read_complete(source, codecs, mode, bare)
    source.line("get = values.get")
    source.line("left = len(values)")
    required = set() if direct else required_parameters(codecs.cls)
    for field in codecs.schema.fields:
        assign = _assigner(codecs, field, direct)
        absent = "None" if bare else absent_text(source, field, mode, direct or field.name in required)
        if isinstance(field.type, UnionOf):
            _read_union(source, codecs, field, field.type, mode, direct, absent)
        else:
            _read_field(source, field, mode, assign, absent)
    again = source.use(_Respeller(codecs, mode), "respell")
    source.block("if left:", f"return read({again}(values))")
    if direct:
        source.line("return self")
    else:
        call_constructor(source, codecs.cls, cls)
    return source.function("read", f"{codecs.cls.__qualname__}.from_json")


def _read_complete(source: Source, codecs: Codecs, mode: Mode, bare: bool) -> None:
    """The short way for an object that has exactly the fields."""
    fields = codecs.schema.fields
    source.line(f"if len(values) == {len(fields)}:")
    source.indent()
    source.line("try:")
    source.indent()
    for field in fields:
        source.line(f"value = values[{field.name!r}]")
        absent = "None" if bare else absent_text(source, field, mode, True)
        source.line(f"self.{field.name} = {_expression(source, field.type, mode, absent)}")
    source.line("return self")
    source.dedent()
    source.block("except KeyError:", "pass")
    source.dedent()


def _assigner(codecs: Codecs, field: Field, direct: bool) -> Callable[[str], str]:
    if not direct:
        return lambda text: f"{arguments_with(codecs.cls, field.name)}[{field.name!r}] = {text}"
    return lambda text: f"self.{field.name} = {text}"


def absent_text(source: Source, field: Field, mode: Mode, needed: bool) -> str | None:
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
    absent: str | None,
) -> None:
    for name in (field.name, *(member.name for member in union.members)):
        source.block(f"if {name!r} in values:", "left -= 1")
    find_member(source, codecs, field, union, mode, lambda name: f"get({name!r})")
    assign_member(source, codecs, field, union, "self" if direct else None, absent)


def find_member(
    source: Source,
    codecs: Codecs,
    field: Field,
    union: UnionOf,
    mode: Mode,
    given: Callable[[str], str],
) -> None:
    """Statements that set `found` to the member and its value; `given` is what stands under a name, or None."""
    source.line("found = None")
    choose = source.use(union_reader(union, mode), f"choose_{field.name}")
    readers = [(field.name, f"{choose}(value)")]
    for member in union.members:
        read = source.use(member_reader(codecs.cls, member, mode), f"read_{member.name}")
        readers.append((member.name, f"({member.name!r}, {read}(value))"))
    for name, expression in readers:
        source.line(f"value = {given(name)}")
        source.line("if value is not None:")
        source.indent()
        source.block(
            "if found is not None:", f"raise {source.use(two_members, 'two_members')}({field.name!r})"
        )
        source.line(f"found = {expression}")
        source.dedent()


def assign_member(
    source: Source, codecs: Codecs, field: Field, union: UnionOf, owner: str | None, absent: str | None
) -> None:
    """Statements that put `found` into the slot of the owner or, without owner, into the arguments."""
    arguments = arguments_with(codecs.cls, field.name)
    slot = f"{owner}._oneof_{field.name}" if owner else f"{arguments}[{field.name!r}]"
    source.block("if found is None:", f"{slot} = {absent}" if absent is not None else "pass")
    source.line("else:")
    source.indent()
    source.line("member, value = found")
    if owner:
        certain = frozenset(member.name for member in union.members if is_inferred(union, member))
        source.line(f"{slot} = value")
        source.block(
            f"if member not in {source.use(certain, f'certain_{field.name}')}:",
            f"{owner}._which = {{**({owner}._which or {{}}), {field.name!r}: member}}",
        )
    elif getattr(codecs.cls.__init__, "_is_generated", False):
        source.line(f"{arguments}[member] = value")
    else:
        source.line(f"{slot} = value")
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
