"""What to write instead of annotations that have no protobuf type."""

from __future__ import annotations

import collections
import collections.abc
import datetime
import decimal
import pathlib
import typing
import uuid
from typing import Any

_HINTS: dict[Any, str] = {
    **dict.fromkeys(
        (
            tuple,
            set,
            frozenset,
            collections.deque,
            collections.abc.Collection,
            collections.abc.Iterable,
            collections.abc.Iterator,
            collections.abc.MutableSequence,
            collections.abc.Sequence,
            collections.abc.Set,
        ),
        "use list[...]",
    ),
    **dict.fromkeys(
        (
            collections.Counter,
            collections.OrderedDict,
            collections.abc.Mapping,
            collections.abc.MutableMapping,
            collections.defaultdict,
        ),
        "use dict[...]",
    ),
    list: "say what it holds, as in list[str]",
    dict: "say what it holds, as in dict[str, int], or use JsonDict",
    bytearray: "use bytes",
    memoryview: "use bytes",
    datetime.date: "use datetime.datetime",
    datetime.time: "use datetime.datetime",
    datetime.timedelta: "use float for seconds",
    decimal.Decimal: "use str or float",
    pathlib.Path: "use str",
    uuid.UUID: "use str",
}
_NUMPY_HINTS = {
    "bool": "bool",
    "bool_": "bool",
    "datetime64": "datetime.datetime",
    "float16": "numpy.float32",
    "int16": "numpy.int32",
    "int8": "numpy.int32",
    "ndarray": "a list of numbers, as in list[numpy.float32]",
    "str_": "str",
    "uint16": "numpy.uint32",
    "uint8": "numpy.uint32",
}


def unsupported(annotation: Any, reason: str = "") -> ValueError:
    """The error for an annotation that cannot be the type of a field."""
    reason = reason or _hint(annotation)
    return ValueError(f"Got unsupported entry type {annotation!r}{reason and f': {reason}'}")


def _hint(annotation: Any) -> str:
    kind = typing.get_origin(annotation) or annotation
    if isinstance(annotation, typing.TypeVar):
        return "a message has no type parameters"
    if not isinstance(kind, type):
        return ""
    if typing.is_typeddict(kind):
        return "use JsonDict, or a class with @dataobject"
    if kind.__module__ == "numpy" and kind.__name__ in _NUMPY_HINTS:
        return f"use {_NUMPY_HINTS[kind.__name__]}"
    if kind in _HINTS:
        return _HINTS[kind]
    known = kind.__module__ in ("builtins", "typing", "collections.abc", "numpy")
    return "" if known else "make it a data object with @dataobject, a dataclass or an Enum"
