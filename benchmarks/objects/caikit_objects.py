"""Data objects of caikit, through their public methods."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from caikit.core import DataObjectBase, dataobject
from caikit.interfaces.common.data_model import Vector1D

from . import shapes
from .shapes import BUILD, FROM_BYTES, FROM_JSON, TO_BYTES, TO_JSON, Shape, Way

LIBRARY = "caikit"


@dataobject("benchmarks")
class Score(DataObjectBase):
    label: str
    score: float


@dataobject("benchmarks")
class Origin(DataObjectBase):
    name: str
    version: str


@dataobject("benchmarks")
class Prediction(DataObjectBase):
    text: str
    tokens: int
    producer: Origin
    results: list[Score]


@dataobject("benchmarks")
class Scores(DataObjectBase):
    results: list[Score]


@dataobject("benchmarks")
class Floats(DataObjectBase):
    values: list[float]


def ways() -> Iterator[Way]:
    yield from _all_ways(shapes.SMALL, Prediction, _prediction)
    yield from _all_ways(shapes.LIST, Scores, _scores)
    yield from _all_ways(shapes.FLOAT_LIST, Floats, partial(Floats, values=shapes.FLOATS))
    yield from _ways_out(shapes.FLOAT_ARRAY, Floats, partial(Floats, values=shapes.DOUBLE_ARRAY))
    yield from _all_ways(shapes.EMBEDDING, Vector1D, partial(Vector1D.from_vector, shapes.SINGLE_ARRAY))


def _prediction() -> Prediction:
    return Prediction(
        text=shapes.TEXT,
        tokens=shapes.TOKENS,
        producer=Origin(name=shapes.NAME, version=shapes.VERSION),
        results=[Score(label=label, score=score) for label, score in shapes.FEW],
    )


def _scores() -> Scores:
    return Scores(results=[Score(label=label, score=score) for label, score in shapes.MANY])


def _ways_out(shape: Shape, data_class: type[Any], build: Callable[[], Any]) -> Iterator[Way]:
    made = build()
    # The bytes are read by protobuf itself, the text by the standard library: nothing of ours checks ours.
    message = data_class.get_proto_class()
    yield Way(LIBRARY, shape, BUILD, build, shape.plain)
    yield Way(LIBRARY, shape, TO_BYTES, made.to_binary_buffer, lambda data: _content(shape, message, data))
    yield Way(LIBRARY, shape, TO_JSON, made.to_json, json.loads)


def _all_ways(shape: Shape, data_class: type[Any], build: Callable[[], Any]) -> Iterator[Way]:
    yield from _ways_out(shape, data_class, build)
    data = build().to_proto().SerializeToString()
    yield Way(LIBRARY, shape, FROM_BYTES, partial(data_class.from_binary_buffer, data), shape.plain)
    yield Way(LIBRARY, shape, FROM_JSON, partial(data_class.from_json, shape.json), shape.plain)


def _content(shape: Shape, message: Any, data: bytes) -> Any:
    parsed = message.FromString(data)
    if shape is shapes.EMBEDDING:
        return {"data": {"values": list(parsed.data_npfloat32sequence.values)}}
    return shape.plain(parsed)
