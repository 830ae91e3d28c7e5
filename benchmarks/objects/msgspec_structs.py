"""Structs of msgspec: types are checked when JSON is read; no protobuf."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from . import shapes
from .shapes import BUILD, FROM_JSON, TO_JSON, Shape, Way

LIBRARY = "msgspec"


class Score(msgspec.Struct):
    label: str
    score: float


class Origin(msgspec.Struct):
    name: str
    version: str


class Prediction(msgspec.Struct):
    text: str
    tokens: int
    producer: Origin
    results: list[Score]


class Scores(msgspec.Struct):
    results: list[Score]


class Floats(msgspec.Struct):
    values: list[float]


class Vector(msgspec.Struct):
    data: Floats


def ways() -> Iterator[Way]:
    yield from _ways(shapes.SMALL, Prediction, _prediction)
    yield from _ways(shapes.LIST, Scores, _scores)
    yield from _ways(shapes.FLOAT_LIST, Floats, partial(Floats, values=shapes.FLOATS))
    yield from _ways(shapes.FLOAT_ARRAY, Floats, _floats_of_array)
    yield from _ways(shapes.EMBEDDING, Vector, _vector)


def _prediction() -> Prediction:
    return Prediction(
        text=shapes.TEXT,
        tokens=shapes.TOKENS,
        producer=Origin(name=shapes.NAME, version=shapes.VERSION),
        results=[Score(label=label, score=score) for label, score in shapes.FEW],
    )


def _scores() -> Scores:
    return Scores(results=[Score(label=label, score=score) for label, score in shapes.MANY])


def _floats_of_array() -> Floats:
    return Floats(values=shapes.DOUBLE_ARRAY.tolist())


def _vector() -> Vector:
    return Vector(data=Floats(values=shapes.SINGLE_ARRAY.tolist()))


def _ways(shape: Shape, struct: type[Any], build: Callable[[], Any]) -> Iterator[Way]:
    encode = partial(msgspec.json.Encoder().encode, build())
    yield Way(LIBRARY, shape, BUILD, build, shape.plain)
    yield Way(LIBRARY, shape, TO_JSON, encode, json.loads)
    if shape is not shapes.FLOAT_ARRAY:
        decode = partial(msgspec.json.Decoder(struct).decode, shape.json)
        yield Way(LIBRARY, shape, FROM_JSON, decode, shape.plain)
