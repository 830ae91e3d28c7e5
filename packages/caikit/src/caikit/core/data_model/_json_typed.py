"""From JSON text straight to values, for input that has exactly the types of the fields.

msgspec checks the types while it parses. What it refuses is read again by the lenient readers, which accept more
and say what is wrong with the rest.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import orjson

from . import _json_scalars as scalars
from ._codecs import Codecs, codecs_of, overrides
from ._init_code import arguments_with, call_constructor, start_arguments
from ._json_input import RefusedError
from ._json_nodes import REQUEST, WIRE, Mode, Reader, node_reader
from ._json_object import absent_text, assign_member, find_member
from ._json_read import json_text, object_from_json
from ._numbers import is_all_numbers
from ._proto_read import required_parameters
from ._schema import EnumType, Field, MapOf, MessageType, Repeated, Scalar, StructType, TimestampType, UnionOf
from ._source import Source

REFUSED = (msgspec.MsgspecError, orjson.JSONDecodeError, RefusedError, UnicodeError, RecursionError)
"""What a typed reader raises for input that needs the lenient one."""

_lock = threading.RLock()

_MOST_INLINED_LEVELS = 3
_LIMITS = {
    kind: Annotated[int, msgspec.Meta(ge=low, le=min(high, 2**63 - 1))]
    for kind, (low, high) in scalars.INTEGER_RANGES.items()
}
_SINGLE_PRECISION = Annotated[float, msgspec.Meta(ge=-scalars.LARGEST["float"], le=scalars.LARGEST["float"])]


@dataclass(frozen=True, slots=True)
class Typed:
    """What msgspec reads for a node, and what makes the value of it; no `convert` if it is the value.

    `shape` is that of a nested object or of the objects in a list, if they are read field by field.
    """

    type: Any
    convert: Reader | None = None
    shape: Shape | None = None

    def value(self, given: Any) -> Any:
        """The value of what msgspec has read; raises one of `REFUSED`."""
        return given if self.convert is None else self.convert(given)


def typed_node(node: Any, mode: Mode = REQUEST) -> Typed:
    """How a value of this node is read."""
    match node:
        case Scalar(kind):
            return _typed_scalar(node, kind, mode)
        case EnumType():
            return Typed(str | int, node_reader(node, mode))
        case TimestampType():
            return Typed(str, scalars.read_datetime)
        case StructType():
            return Typed(dict[str, Any], scalars.read_json_object)
        case MessageType(cls):
            shape = _shape_of(cls, mode)
            if shape is not None:
                return Typed(shape.struct, shape.convert, shape)
        case Repeated(item):
            return _typed_list(typed_node(item, mode))
        case MapOf(Scalar("string"), item):
            return _typed_map(typed_node(item, mode))
    return Typed(Any, node_reader(node, mode))


def _typed_scalar(node: Scalar, kind: str, mode: Mode) -> Typed:
    if kind in _LIMITS:
        return Typed(_LIMITS[kind])
    if kind == "bytes":
        return Typed(str, node_reader(node, mode))
    if kind == "float" and not mode.wire:
        return Typed(_SINGLE_PRECISION)
    return Typed({"string": str, "bool": bool}.get(kind, float))


def _typed_list(item: Typed) -> Typed:
    convert = item.convert
    if convert is None:
        return Typed(list[item.type])  # type: ignore[name-defined]  # a type made at run time
    return Typed(list[item.type], lambda values: [convert(value) for value in values], item.shape)  # type: ignore[name-defined]  # a type made at run time


def _typed_map(item: Typed) -> Typed:
    convert = item.convert
    if convert is None:
        return Typed(dict[str, item.type])  # type: ignore[name-defined]  # a type made at run time
    return Typed(
        dict[str, item.type],  # type: ignore[name-defined]  # a type made at run time
        lambda values: {key: convert(value) for key, value in values.items()},
    )


def _structure(name: str, attributes: dict[str, str], typed: dict[str, Typed]) -> type[msgspec.Struct]:
    """A structure with neutral names of attributes; what is not in `typed` may be anything."""
    return msgspec.defstruct(
        name,
        [
            (attribute, typed[key].type | None if key in typed else Any, None)
            for key, attribute in attributes.items()
        ],
        rename={attribute: key for key, attribute in attributes.items()},
        forbid_unknown_fields=True,
        gc=False,
    )


class Shape:
    """The structure that a class is read into, and the generated function that makes the object of it."""

    def __init__(self, codecs: Codecs, mode: Mode) -> None:
        self.codecs = codecs
        self.mode = mode
        names = codecs.schema.wire_names()
        unions = [field.name for field in codecs.schema.fields if isinstance(field.type, UnionOf)]
        keys = dict.fromkeys((*(field.name for field in codecs.schema.fields), *names))
        self.attributes = {key: f"f{position}" for position, key in enumerate(keys)}
        self.typed = {
            field.name: typed_node(field.type, mode)
            for field in codecs.schema.fields
            if field.name not in unions
        }
        self.struct = _structure(codecs.schema.name, self.attributes, self.typed)
        self.convert: Reader = _generate(self)


def typed_arguments(fields: Mapping[str, Any], mode: Mode = REQUEST) -> Typed:
    """An object with these keys, all of them optional, that becomes the dictionary of those that are given."""
    typed = {name: typed_node(node, mode) for name, node in fields.items()}
    attributes = {name: f"f{position}" for position, name in enumerate(fields)}
    plan = [(name, attribute, typed[name].convert) for name, attribute in attributes.items()]

    def convert(given: Any) -> dict[str, Any]:
        arguments = {}
        for name, attribute, convert in plan:
            value = getattr(given, attribute)
            if value is not None:
                arguments[name] = value if convert is None else convert(value)
        return arguments

    return Typed(_structure("arguments", attributes, typed), convert)


def make_from_json(codecs: Codecs) -> Callable[..., Any]:
    """`from_json`, as if through protobuf: typed if the class is read field by field and the text fits."""
    shape = _shape_of(codecs.cls, WIRE)
    if shape is None:
        return object_from_json
    own, convert, parse = codecs.cls, shape.convert, _parser(codecs.cls, shape.struct)

    def from_json(cls: type[Any], json_str: str | dict[str, Any], ignore_unknown_fields: bool = False) -> Any:
        if cls is own:
            try:
                return convert(parse(json_text(json_str)))
            except REFUSED:
                pass
        return object_from_json(cls, json_str, ignore_unknown_fields)

    return from_json


def _parser(cls: type[Any], struct: type[Any]) -> Reader:
    """orjson reads long lists of numbers faster, but whole numbers of more than 64 bits as floats."""
    if not is_all_numbers(cls):
        return msgspec.json.Decoder(struct).decode
    return lambda text: msgspec.convert(orjson.loads(text), struct)


def _shape_of(cls: type[Any], mode: Mode) -> Shape | None:
    """None where a class reads JSON or messages by hand, contains itself, or may have keys that are not known."""
    codecs = codecs_of(cls)
    if mode in codecs.shapes:
        found: Shape | None = codecs.shapes[mode]
        return found
    with _lock:
        if mode in codecs.shapes:
            return _shape_of(cls, mode)
        compiling = ("shape", mode)
        if compiling in codecs.compiling:
            return None
        codecs.compiling.add(compiling)
        try:
            by_hand = overrides(cls, "from_json") or (
                mode.wire and overrides(cls, "from_proto") and cls._from_json_fields is None
            )
            codecs.shapes[mode] = None if by_hand or mode.ignore_unknown else Shape(codecs, mode)
        finally:
            codecs.compiling.discard(compiling)
        return _shape_of(cls, mode)


def _generate(shape: Shape) -> Reader:
    """`convert` of a shape."""
    source, codecs = Source(), shape.codecs
    source.line("def convert(given):")
    source.indent()
    if _fills_slots(shape):
        _Filler(source).fill(shape, "self", "given")
        source.line("return self")
    else:
        _construct(source, shape)
    return source.function("convert", f"{codecs.cls.__qualname__}.from_json")


def _fills_slots(shape: Shape) -> bool:
    return shape.codecs.builds_directly and not (shape.mode.wire and shape.codecs.cls._from_json_fields)


class _Filler:
    """Statements that fill new instances; those of nested lists are written out in the loop over the list."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._count = 0
        self._level = 0

    def fill(self, shape: Shape, owner: str, given: str) -> None:
        source, codecs = self.source, shape.codecs
        source.line(f"{owner} = {source.use(object.__new__, 'new')}({source.use(codecs.cls, 'cls')})")
        if codecs.unions:
            source.line(f"{owner}._which = None")
        for field in codecs.schema.fields:
            attribute = f"{given}.{shape.attributes[field.name]}"
            if isinstance(field.type, UnionOf):
                self._union(shape, field, field.type, owner, given)
                continue
            absent = absent_text(source, field, shape.mode, needed=True) or "None"
            target = f"{owner}.{field.name}"
            inner = self._inner(shape.typed[field.name])
            if inner is not None:
                self._objects(inner, field, attribute, target, absent)
            else:
                convert = shape.typed[field.name].convert
                self._plain(target, attribute, absent, convert)

    def _plain(self, target: str, attribute: str, absent: str, convert: Reader | None) -> None:
        source = self.source
        if convert is None and absent == "None":
            source.line(f"{target} = {attribute}")
            return
        value = "value" if convert is None else f"{source.use(convert, 'convert_value')}(value)"
        source.line(f"value = {attribute}")
        source.line(f"{target} = {absent} if value is None else {value}")

    def _inner(self, typed: Typed) -> Shape | None:
        """The shape of nested objects whose statements may stand here."""
        shape = typed.shape
        if shape is None or not _fills_slots(shape) or self._level >= _MOST_INLINED_LEVELS:
            return None
        return shape

    def _objects(self, inner: Shape, field: Field, attribute: str, target: str, absent: str) -> None:
        source = self.source
        self._count += 1
        self._level += 1
        made, each, items = f"made{self._count}", f"given{self._count}", f"items{self._count}"
        source.line(f"{each} = {attribute}")
        source.block(f"if {each} is None:", f"{target} = {absent}")
        source.line("else:")
        source.indent()
        if isinstance(field.type, Repeated):
            source.line(f"{items} = []")
            source.line(f"for {each} in {each}:")
            source.indent()
            self.fill(inner, made, each)
            source.line(f"{items}.append({made})")
            source.dedent()
            source.line(f"{target} = {items}")
        else:
            self.fill(inner, made, each)
            source.line(f"{target} = {made}")
        source.dedent()
        self._level -= 1

    def _union(self, shape: Shape, field: Field, union: UnionOf, owner: str, given: str) -> None:
        absent = absent_text(self.source, field, shape.mode, needed=True)
        find_member(self.source, shape.codecs, field, union, shape.mode, _given(shape, given))
        assign_member(self.source, shape.codecs, field, union, owner, absent)


def _construct(source: Source, shape: Shape) -> None:
    """Call the constructor with what is given."""
    codecs = shape.codecs
    required = required_parameters(codecs.cls)
    start_arguments(source, codecs.cls)
    for field in codecs.schema.fields:
        absent = absent_text(source, field, shape.mode, needed=field.name in required)
        if isinstance(field.type, UnionOf):
            find_member(source, codecs, field, field.type, shape.mode, _given(shape, "given"))
            assign_member(source, codecs, field, field.type, None, absent)
            continue
        convert = shape.typed[field.name].convert
        value = "value" if convert is None else f"{source.use(convert, 'convert_value')}(value)"
        source.line(f"value = given.{shape.attributes[field.name]}")
        target = f"{arguments_with(codecs.cls, field.name)}[{field.name!r}]"
        source.block("if value is not None:", f"{target} = {value}")
        if absent is not None:
            source.block("else:", f"{target} = {absent}")
    make = (shape.mode.wire and codecs.cls._from_json_fields) or codecs.cls
    call_constructor(source, codecs.cls, source.use(make, "make"))


def _given(shape: Shape, given: str) -> Callable[[str], str]:
    return lambda key: f"{given}.{shape.attributes[key]}"
