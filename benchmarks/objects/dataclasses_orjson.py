"""Dataclasses written by orjson, and made by hand from what it reads; nothing is checked; no protobuf."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import orjson

from . import shapes
from .shapes import BUILD, FROM_JSON, TO_JSON, Shape, Way

LIBRARY = "dataclass"


@dataclass(slots=True)
class Score:
    label: str
    score: float


@dataclass(slots=True)
class Origin:
    name: str
    version: str


@dataclass(slots=True)
class Prediction:
    text: str
    tokens: int
    producer: Origin
    results: list[Score]


@dataclass(slots=True)
class Scores:
    results: list[Score]


@dataclass(slots=True)
class Floats:
    values: Any
    """A list, or an array: orjson writes both."""


@dataclass(slots=True)
class Vector:
    data: Floats


def ways() -> Iterator[Way]:
    yield from _ways(shapes.SMALL, _prediction, json.loads, _read_prediction)
    yield from _ways(shapes.LIST, _scores, json.loads, _read_scores)
    yield from _ways(shapes.FLOAT_LIST, partial(Floats, values=shapes.FLOATS), json.loads, _read_floats)
    yield from _ways(shapes.FLOAT_ARRAY, partial(Floats, values=shapes.DOUBLE_ARRAY), json.loads, None)
    yield from _ways(shapes.EMBEDDING, _vector, _single_precision, _read_vector)


def _prediction() -> Prediction:
    return Prediction(
        text=shapes.TEXT,
        tokens=shapes.TOKENS,
        producer=Origin(name=shapes.NAME, version=shapes.VERSION),
        results=[Score(label=label, score=score) for label, score in shapes.FEW],
    )


def _scores() -> Scores:
    return Scores(results=[Score(label=label, score=score) for label, score in shapes.MANY])


def _vector() -> Vector:
    return Vector(data=Floats(values=shapes.SINGLE_ARRAY))


def _read_prediction(text: str) -> Prediction:
    content = orjson.loads(text)
    return Prediction(
        text=content["text"],
        tokens=content["tokens"],
        producer=Origin(**content["producer"]),
        results=[Score(**result) for result in content["results"]],
    )


def _read_scores(text: str) -> Scores:
    return Scores(results=[Score(**result) for result in orjson.loads(text)["results"]])


def _read_floats(text: str) -> Floats:
    return Floats(**orjson.loads(text))


def _read_vector(text: str) -> Vector:
    return Vector(data=Floats(**orjson.loads(text)["data"]))


def _single_precision(text: bytes) -> Any:
    """orjson writes as many digits as single precision has."""
    values = json.loads(text)["data"]["values"]
    return {"data": {"values": np.array(values, dtype=np.float32).tolist()}}


def _ways(
    shape: Shape,
    build: Callable[[], Any],
    content: Callable[[bytes], Any],
    read: Callable[[str], Any] | None,
) -> Iterator[Way]:
    to_json = partial(orjson.dumps, build(), option=orjson.OPT_SERIALIZE_NUMPY)
    yield Way(LIBRARY, shape, BUILD, build, shape.plain)
    yield Way(LIBRARY, shape, TO_JSON, to_json, content)
    if read is not None:
        yield Way(LIBRARY, shape, FROM_JSON, partial(read, shape.json), shape.plain)
