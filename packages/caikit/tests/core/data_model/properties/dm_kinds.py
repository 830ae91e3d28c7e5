"""Annotations for single values, the classes that they name, and the values."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import typing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from dm_values import SCALARS, datetimes, integers, json_dicts, texts
from google.protobuf import struct_pb2, timestamp_pb2
from hypothesis import strategies as st

from caikit.core.data_model import DataObjectBase, FieldNumber, OneofField, dataobject
from caikit.core.data_model.json_dict import JsonDict

PACKAGE = "tests.data_object_properties"
NO_DEFAULT = object()


# -- classes that random ones refer to ------------------------------------------------------------------------


@dataobject(PACKAGE)
class Hue(enum.Enum):
    NONE = 0
    RED = 1
    BLUE = 2


@dataobject(PACKAGE)
class Size(enum.Enum):
    SMALL = 1
    LARGE = 2**31 - 1
    NEGATIVE = -(2**31)


@dataobject(f"{PACKAGE}.aliases")
class Speed(enum.Enum):
    FAST = 3
    QUICK = 3  # noqa: PIE796 - an alias
    STILL = 0
    HALT = 0  # noqa: PIE796 - an alias
    SLOW = 1


@dataobject(f"{PACKAGE}.whole")
class Step(enum.IntEnum):
    UP = 1
    DOWN = -1


class Shade(enum.Enum):
    LIGHT = 1
    DARK = 2


class Mark(enum.Enum):
    UNMARKED = 0
    MARKED = 7


@dataclass
class Spot:
    x: int
    y: float = 0.5
    words: list[str] = field(default_factory=list)


@dataobject(PACKAGE)
class Hollow(DataObjectBase):
    """No fields at all."""


@dataobject(PACKAGE)
class Pair(DataObjectBase):
    left: int
    right: str | None


@dataobject(PACKAGE)
class Choice(DataObjectBase):
    pick: int | str | list[float]
    when: datetime.datetime


@dataobject(PACKAGE)
class Node(DataObjectBase):
    label: str
    children: list[Node]
    next: Node | None


@dataobject(f"{PACKAGE}.plural")
class WordSequence(DataObjectBase):
    values: list[str]


NAMES: dict[str, Any] = {
    "Annotated": typing.Annotated,
    "Any": typing.Any,
    "DataObjectBase": DataObjectBase,
    "Dict": typing.Dict,  # noqa: UP006 - what users write
    "FieldNumber": FieldNumber,
    "JsonDict": JsonDict,
    "List": typing.List,  # noqa: UP006 - what users write
    "Literal": typing.Literal,
    "OneofField": OneofField,
    "Optional": typing.Optional,
    "Union": typing.Union,
    "dataclasses": dataclasses,
    "dataobject": dataobject,
    "datetime": datetime,
    "np": np,
    "struct_pb2": struct_pb2,
    "timestamp_pb2": timestamp_pb2,
    **{
        cls.__name__: cls
        for cls in (Hue, Size, Speed, Step, Shade, Mark, Spot, Hollow, Pair, Choice, Node, WordSequence)
    },
}

pairs = st.builds(Pair, integers("int") | st.none(), texts | st.none())
choices = st.builds(
    Choice,
    st.none() | integers("int") | texts | st.lists(SCALARS["float"], max_size=2),
    st.none() | datetimes,
)
nodes = st.recursive(
    st.builds(Node, texts),
    lambda inner: st.builds(Node, texts, st.lists(inner, max_size=2), st.none() | inner),
    max_leaves=4,
)
word_sequences = st.builds(WordSequence, st.lists(texts, max_size=2))
spots = st.builds(Spot, integers("int"), SCALARS["float"], st.lists(texts, max_size=2))


def members(cls: type[enum.Enum]) -> st.SearchStrategy:
    """Members, and their numbers."""
    return st.sampled_from([*cls, *(member.value for member in cls)])


@dataclass(frozen=True)
class Kind:
    """An annotation for one value, and the values."""

    text: str
    values: st.SearchStrategy
    in_union: bool = True

    def __repr__(self) -> str:
        return self.text


KINDS = [
    *(Kind(text, values) for text, values in SCALARS.items()),
    Kind("datetime.datetime", datetimes),
    Kind("JsonDict", json_dicts),
    Kind("Any", pairs | choices | st.builds(Hollow), in_union=False),
    Kind("Literal['a', 'é']", st.sampled_from(["a", "é"]), in_union=False),
    Kind("Literal[1, -2]", st.sampled_from([1, -2]), in_union=False),
    Kind("struct_pb2.Struct", json_dicts, in_union=False),
    Kind("timestamp_pb2.Timestamp", datetimes, in_union=False),
    Kind("Hue", members(Hue)),
    Kind("Size", members(Size)),
    Kind("Speed", members(Speed)),
    Kind("Step", members(Step)),
    Kind("Shade", members(Shade)),
    Kind("Mark", members(Mark)),
    Kind("Spot", spots),
    Kind("Hollow", st.builds(Hollow)),
    Kind("Pair", pairs),
    Kind("Choice", choices),
    Kind("Node", nodes),
    Kind("WordSequence", word_sequences),
]
BY_TEXT = {kind.text: kind for kind in KINDS}
