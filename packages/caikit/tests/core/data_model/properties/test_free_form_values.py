"""Dictionaries of any content, and numbers that do not fit their field."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from dm_oracle import dictionary, stable
from dm_settings import SECONDS, examples
from dm_values import doubles, integers, texts
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from caikit.core.data_model import DataObjectBase, dataobject
from caikit.core.data_model.json_dict import JsonDict, dict_to_struct, struct_to_dict

pytestmark = pytest.mark.timeout(SECONDS)
PACKAGE = "tests.data_object_properties.free_form"


@dataobject(PACKAGE)
class Free(DataObjectBase):
    content: JsonDict
    many: list[JsonDict]
    named: dict[str, JsonDict]
    either: JsonDict | str


@dataobject(PACKAGE)
class Single(DataObjectBase):
    one: np.float32
    many: list[np.float32]
    named: dict[str, np.float32]
    either: np.float32 | str


leaves = (
    st.none()
    | st.booleans()
    | integers("int")
    | doubles
    | texts
    | st.builds(np.float32, st.floats(width=32, allow_nan=False))
    | st.builds(np.int64, integers("int"))
    | st.builds(np.bool_, st.booleans())
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=6,
)
contents = st.dictionaries(texts, values, max_size=4)


def message_of(value: Any) -> Any:
    """A Value message, made by hand."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, dict):
        fields = {key: message_of(item) for key, item in value.items()}
        return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
    if isinstance(value, (list, tuple)):
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[message_of(item) for item in value]))
    if value is None:
        return struct_pb2.Value(null_value=0)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    return struct_pb2.Value(number_value=value)


@given(contents)
@examples(150)
def test_dictionaries_of_any_content(content: dict[str, Any]) -> None:
    expected = message_of(content).struct_value
    assert stable(dict_to_struct(content)) == stable(expected)
    value = Free(content, [content, content], {"k": content}, content)
    message = value.to_proto()
    for part in (message.content, *message.many, message.named["k"], message.either_dict):
        assert stable(part) == stable(expected)
    back = struct_to_dict(expected)
    again = Free.from_proto(message)
    assert stable(again.to_proto()) == stable(Free(back, [back, back], {"k": back}, back).to_proto())
    text = again.to_json()
    assert text == json.dumps(dictionary(again))
    assert stable(Free.from_json(text).to_proto()) == stable(again.to_proto())


@given(st.floats(allow_nan=False))
@examples(100)
def test_numbers_beyond_single_precision(number: float) -> None:
    value = Single(number, [number], {"k": number}, number)
    message = value.to_proto()
    expected = type(message)(one=number, many=[number], named={"k": number}, either_float32=number)
    assert stable(message) == stable(expected)
    again = Single.from_proto(message)
    assert again.one == again.many[0] == again.named["k"] == again.either == message.one
    assert json.loads(value.to_json())["one"] == number
    assert Single.from_json(value.to_json()).one in (number, message.one)
    array = np.array([number])
    with np.errstate(over="ignore"):
        assert stable(Single(many=array).to_proto()) == stable(type(message)(many=[number]))
    assert math.isinf(message.one) or abs(message.one - number) <= abs(number) * 1e-6 + 1e-38
