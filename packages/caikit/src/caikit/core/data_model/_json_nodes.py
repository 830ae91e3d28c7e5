"""Readers of single schema nodes from parsed JSON."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from . import _json_scalars as scalars
from . import _registry
from ._codecs import codecs_of, overrides
from ._json_input import JsonInputError, RefusedError
from ._schema import (
    AnyType,
    EnumType,
    MapOf,
    MessageType,
    Repeated,
    Scalar,
    StructType,
    TimestampType,
    UnionOf,
    schema_of,
)

Reader = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Mode:
    """`wire`: as if through protobuf, with its defaults and enum numbers; otherwise unset fields stay unset."""

    wire: bool
    ignore_unknown: bool = False

    @property
    def number(self) -> int:
        return self.wire * 2 + self.ignore_unknown


REQUEST = Mode(wire=False)
REQUEST_IGNORING = Mode(wire=False, ignore_unknown=True)
WIRE = Mode(wire=True)
WIRE_IGNORING = Mode(wire=True, ignore_unknown=True)

_EXACT_LISTS = {"string": list[str], "double": list[float], "float": list[float], "bool": list[bool]}

_node_readers: dict[tuple[Any, Mode], Reader] = {}


def node_reader(node: Any, mode: Mode) -> Reader:
    """The reader of a node; raises RefusedError."""
    key = (node, mode)
    reader = _node_readers.get(key)
    if reader is None:
        reader = _node_readers[key] = _make_node_reader(node, mode)
    return reader


def _make_node_reader(node: Any, mode: Mode) -> Reader:
    match node:
        case Scalar(kind):
            return _scalar_reader(kind, mode)
        case EnumType():
            return scalars.make_enum_reader(node, members=not mode.wire)
        case MessageType(cls):
            return _message_reader(cls, mode)
        case TimestampType():
            return scalars.read_datetime
        case StructType():
            return scalars.read_json_object if mode.wire else scalars.read_finite_json_object
        case AnyType():
            return _any_reader(mode)
        case Repeated(item):
            return _list_reader(item, mode)
        case MapOf(key, value):
            return _map_reader(key, node_reader(value, mode))
        case UnionOf():
            from ._json_union import union_reader

            choose = union_reader(node, mode)
            return lambda value: choose(value)[1]
    raise TypeError(f"{node!r} is no schema node")


def _scalar_reader(kind: str, mode: Mode) -> Reader:
    if kind in scalars.INTEGER_RANGES:
        return scalars.integer_reader(kind)
    if kind in ("double", "float"):
        finite = scalars.read_single_precision if kind == "float" else scalars.read_finite
        return scalars.read_float if mode.wire else finite
    if kind == "bytes":
        return scalars.read_web_bytes if mode.wire else scalars.read_bytes
    return scalars.read_boolean if kind == "bool" else scalars.read_string


def _message_reader(cls: type[Any], mode: Mode) -> Reader:
    """The reader of a nested object: `from_json` if somebody wrote one."""
    if overrides(cls, "from_json"):
        return _own_from_json(cls, {"ignore_unknown_fields": True} if mode.ignore_unknown else {})
    from ._json_object import own_reader

    codecs = codecs_of(cls)
    if mode in codecs.compiling:
        # A message may contain itself.
        return lambda value: own_reader(codecs, mode)(value)
    return own_reader(codecs, mode)


def _own_from_json(cls: type[Any], options: dict[str, bool]) -> Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise not_an_object(cls)
        try:
            return cls.from_json(value, **options)
        except JsonInputError as error:
            first = error.issues[0]
            raise RefusedError(first.type, first.msg, first.ctx, error.issues) from None

    return read


def not_an_object(cls: type[Any]) -> RefusedError:
    return RefusedError("model_type", "Input should be an object", {"class_name": schema_of(cls).full_name})


def _any_reader(mode: Mode) -> Reader:
    def read(value: Any) -> Any:
        if value is None:
            return None
        url = value.get("@type") if isinstance(value, dict) else None
        cls = _registry.find(str(url).rpartition("/")[2]) if url else None
        if cls is None:
            raise RefusedError(
                "value_error", "Value error, expected an object with the @type of a known data object"
            )
        return node_reader(MessageType(cls), mode)({k: v for k, v in value.items() if k != "@type"})

    return read


def _list_reader(item: Any, mode: Mode) -> Reader:
    read_item = node_reader(item, mode)
    exact: Any = _EXACT_LISTS.get(getattr(item, "kind", ""))
    largest = scalars.LARGEST.get(getattr(item, "kind", "")) if not mode.wire else None

    def read(values: Any) -> list[Any]:
        if values.__class__ is not list:
            raise RefusedError("list_type", "Input should be a valid array")
        if exact is not None:
            try:
                made: list[Any] = msgspec.convert(values, exact)
            except msgspec.ValidationError:
                pass
            else:
                if largest is None or _all_within(made, largest):
                    return made
        return [read_item(value) for value in values]

    return read


def _all_within(numbers: list[float], largest: float) -> bool:
    # The sum is not finite if any of them is not.
    return not numbers or (
        math.isfinite(sum(numbers)) and -largest <= min(numbers) <= max(numbers) <= largest
    )


def _map_reader(key: Scalar, read_value: Reader) -> Reader:
    read_key = scalars.read_string if key.kind == "string" else _scalar_reader(key.kind, WIRE)

    def read(entries: Any) -> dict[Any, Any]:
        if entries.__class__ is not dict:
            raise RefusedError("dict_type", "Input should be an object")
        return {read_key(name): read_value(value) for name, value in entries.items()}

    return read
