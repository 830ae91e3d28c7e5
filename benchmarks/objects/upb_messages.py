"""Protobuf messages without data objects: the same message classes, used by hand in the fastest way that was found.

"upb" starts from and ends with Python values, as data objects do; "upb bare" leaves the values inside the message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from google.protobuf.json_format import MessageToJson, Parse

from caikit.interfaces.common.data_model import Vector1D

from . import caikit_objects, shapes
from .shapes import BUILD, FROM_BYTES, FROM_JSON, TO_BYTES, TO_JSON, Shape, Way

LIBRARY = "upb"
BARE = "upb bare"

_Prediction = caikit_objects.Prediction.get_proto_class()
_Scores = caikit_objects.Scores.get_proto_class()
_Floats = caikit_objects.Floats.get_proto_class()
_Vector1D = Vector1D.get_proto_class()


@dataclass(frozen=True)
class _Hand:
    """What somebody writes by hand for one shape."""

    shape: Shape
    message: Any
    build: Callable[[], Any]
    read: Callable[[Any], Any]
    plain: Callable[[Any], Any]
    """The content of what `read` returns."""


def ways() -> Iterator[Way]:
    embedding = shapes.EMBEDDING.plain
    hands = [
        _Hand(shapes.SMALL, _Prediction, _prediction, _read_prediction, shapes.SMALL.plain),
        _Hand(shapes.LIST, _Scores, _scores, _read_scores, shapes.LIST.plain),
        _Hand(shapes.FLOAT_LIST, _Floats, _floats, _read_floats, shapes.FLOAT_LIST.plain),
        _Hand(shapes.FLOAT_ARRAY, _Floats, _floats_of_array, _read_floats, shapes.FLOAT_ARRAY.plain),
        _Hand(
            shapes.EMBEDDING, _Vector1D, _embedding, _read_embedding, lambda a: embedding(((a.tolist(),),))
        ),
    ]
    for hand in hands:
        yield from _ways_out(hand)
        if hand.shape is not shapes.FLOAT_ARRAY:
            yield from _ways_in(hand)


def _ways_out(hand: _Hand) -> Iterator[Way]:
    shape, made = hand.shape, hand.build()

    def content(message: Any) -> Any:
        return hand.plain(hand.read(message))

    def content_of_bytes(data: bytes) -> Any:
        return content(hand.message.FromString(data))

    def serialized() -> bytes:
        data: bytes = hand.build().SerializeToString()
        return data

    to_json = partial(MessageToJson, made, indent=None)
    yield Way(LIBRARY, shape, BUILD, hand.build, content)
    yield Way(LIBRARY, shape, TO_BYTES, serialized, content_of_bytes)
    yield Way(BARE, shape, TO_BYTES, made.SerializeToString, content_of_bytes)
    yield Way(LIBRARY, shape, TO_JSON, to_json, lambda text: content(Parse(text, hand.message())))


def _ways_in(hand: _Hand) -> Iterator[Way]:
    shape, read, parse = hand.shape, hand.read, hand.message.FromString
    made = hand.build()
    data, text = made.SerializeToString(), MessageToJson(made, indent=None)

    def content(message: Any) -> Any:
        return hand.plain(read(message))

    yield Way(LIBRARY, shape, FROM_BYTES, lambda: read(parse(data)), hand.plain)
    yield Way(BARE, shape, FROM_BYTES, partial(parse, data), content)
    yield Way(LIBRARY, shape, FROM_JSON, lambda: Parse(text, hand.message()), content)


def _prediction() -> Any:
    message = _Prediction(text=shapes.TEXT, tokens=shapes.TOKENS)
    message.producer.name = shapes.NAME
    message.producer.version = shapes.VERSION
    add = message.results.add
    for label, score in shapes.FEW:
        result = add()
        result.label = label
        result.score = score
    return message


def _read_prediction(message: Any) -> Any:
    producer = message.producer
    results = [(result.label, result.score) for result in message.results]
    return message.text, message.tokens, (producer.name, producer.version), results


def _scores() -> Any:
    message = _Scores()
    add = message.results.add
    for label, score in shapes.MANY:
        result = add()
        result.label = label
        result.score = score
    return message


def _read_scores(message: Any) -> Any:
    return ([(result.label, result.score) for result in message.results],)


def _floats() -> Any:
    return _Floats(values=shapes.FLOATS)


def _floats_of_array() -> Any:
    return _Floats(values=shapes.DOUBLE_ARRAY.tolist())


def _read_floats(message: Any) -> Any:
    return (message.values[:],)


def _embedding() -> Any:
    message = _Vector1D()
    message.data_npfloat32sequence.values.extend(shapes.SINGLE_ARRAY.tolist())
    return message


def _read_embedding(message: Any) -> Any:
    return np.array(message.data_npfloat32sequence.values, dtype=np.float32)
