"""Models of pydantic: validated when they are built and read; no protobuf."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pydantic import BaseModel

from . import shapes
from .shapes import BUILD, FROM_JSON, TO_JSON, Shape, Way

LIBRARY = "pydantic"


class Score(BaseModel):
    label: str
    score: float


class Origin(BaseModel):
    name: str
    version: str


class Prediction(BaseModel):
    text: str
    tokens: int
    producer: Origin
    results: list[Score]


class Scores(BaseModel):
    results: list[Score]


class Floats(BaseModel):
    values: list[float]


class Vector(BaseModel):
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


def _ways(shape: Shape, model: type[Any], build: Callable[[], Any]) -> Iterator[Way]:
    yield Way(LIBRARY, shape, BUILD, build, shape.plain)
    yield Way(LIBRARY, shape, TO_JSON, build().model_dump_json, json.loads)
    if shape is not shapes.FLOAT_ARRAY:
        yield Way(LIBRARY, shape, FROM_JSON, partial(model.model_validate_json, shape.json), shape.plain)
