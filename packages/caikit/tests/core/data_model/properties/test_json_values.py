"""Every type of field meets every kind of JSON value: all readers agree, and what is accepted can be written."""

from __future__ import annotations

import datetime
import itertools
import json
from typing import Any

import msgspec
import numpy as np
import pytest
from dm_kinds import Hue, Node, Pair, Size
from dm_oracle import same, stable, view
from dm_words import WORDS
from google.protobuf import json_format

from caikit.core.data_model._codec import REFUSED, JsonInputError, decode_json, parse_json, typed_node
from caikit.core.data_model._schema import MessageType
from caikit.core.data_model.dataobject import make_dataobject
from caikit.core.data_model.json_dict import JsonDict

PACKAGE = "tests.data_object_properties.words"
SINGLES: list[Any] = [str, int, float, bool, bytes, np.int32, np.uint32, np.uint64, np.float32]
SINGLES += [datetime.datetime, JsonDict, Any, Hue, Size, Pair, Node]
ANNOTATIONS = [
    *SINGLES,
    *(list[single] for single in SINGLES),
    *(dict[str, single] for single in SINGLES),
    *(dict[int, str], dict[bool, int], dict[np.uint32, Pair]),
    *(int | None, Pair | None),
    *(
        int | str,
        float | bool | Pair,
        list[int] | list[str] | Hue,
        list[float] | bytes,
        datetime.datetime | JsonDict,
    ),
]
_count = itertools.count()


def shown(annotation: Any) -> str:
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return text.replace(str(JsonDict), "JsonDict").replace("dm_kinds.", "")


def outcome(read: Any, *args: Any, **kwargs: Any) -> Any:
    """What a reader makes, None if it refuses."""
    try:
        made = read(*args, **kwargs)
    except ValueError:
        return None
    return view(made), stable(made.to_proto())


def by_protobuf(cls: Any, text: str) -> Any:
    """The message that protobuf reads, None if it refuses."""
    try:
        return json_format.Parse(text, cls.get_proto_class()())
    except json_format.ParseError:
        return None


@pytest.mark.parametrize("annotation", ANNOTATIONS, ids=shown)
def test_readers_agree(annotation: Any) -> None:
    annotations = {"x": annotation, "other": str | None}
    cls: Any = make_dataobject(name=f"Words{next(_count)}", annotations=annotations, package=PACKAGE)
    typed = typed_node(MessageType(cls))
    for word in WORDS:
        text = f'{{"x": {word}, "other": null}}'
        direct = outcome(cls.from_json, text)
        if direct is not None:
            assert same(direct, outcome(cls.from_json, text, ignore_unknown_fields=True)), word
            message = by_protobuf(cls, text)
            if message is not None:
                assert direct[1] == stable(cls.from_proto(message).to_proto()), word
        try:
            parsed = parse_json(text.encode())
        except JsonInputError:
            assert direct is None, word
            continue
        requested = outcome(decode_json, cls, parsed)
        assert requested is None or direct is not None, word
        try:
            made = typed.value(msgspec.json.decode(text, type=typed.type))
        except REFUSED:
            continue
        assert same((view(made), stable(made.to_proto())), requested), word


class Text(str):
    __slots__ = ()


NO_JSON = [
    *(
        b"x",
        bytearray(b"x"),
        {1, 2},
        range(3),
        object(),
        datetime.datetime(2024, 1, 1),
        Pair(1),
        [Pair(1)],
        {"a": b"x"},
    ),
    *(
        (1, 2),
        [1, (2,)],
        {"a": (1,)},
        Text("a"),
        [Text("a")],
        {"a": Text("b")},
        {Text("a"): 1},
        {1: "a"},
        {True: 1},
    ),
    *(np.float64(1.5), np.int64(1), np.str_("a"), np.array([1, 2]), [np.float64(0.5)], {"a": np.float64(1)}),
    *(
        float("nan"),
        [float("inf")],
        {"a": float("nan")},
        2**70,
        {"a": 2**70},
        Size.SMALL,
        [Size.SMALL],
        {"left": np.int64(3)},
    ),
]


@pytest.mark.parametrize("annotation", ANNOTATIONS, ids=shown)
def test_dictionaries_are_read_as_the_text_that_python_makes_of_them(annotation: Any) -> None:
    cls: Any = make_dataobject(name=f"Words{next(_count)}", annotations={"x": annotation}, package=PACKAGE)
    for value in NO_JSON:
        try:
            text = json.dumps({"x": value})
        except TypeError:
            with pytest.raises(TypeError):
                cls.from_json({"x": value})
            continue
        assert same(outcome(cls.from_json, {"x": value}), outcome(cls.from_json, text)), value
