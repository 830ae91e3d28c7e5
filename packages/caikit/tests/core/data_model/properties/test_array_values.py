"""Arrays and numpy scalars in the place of lists and numbers."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from dm_oracle import dictionary, read, reference, same, stable, view
from dm_settings import SECONDS, examples
from dm_values import RANGES, doubles, finite_doubles, integers, singles
from hypothesis import given
from hypothesis import strategies as st

from caikit.core.data_model import DataObjectBase, dataobject
from caikit.core.data_model._codec import decode_json, parse_json

pytestmark = pytest.mark.timeout(SECONDS)
PACKAGE = "tests.data_object_properties.arrays"


@dataobject(PACKAGE)
class Arrays(DataObjectBase):
    text: str
    float64: list[np.float64]
    float32: list[np.float32]
    int64: list[np.int64]
    uint64: list[np.uint64]
    int32: list[np.int32]
    uint32: list[np.uint32]
    flags: list[bool]
    either: list[str] | list[float]


@dataobject(PACKAGE)
class Outer(DataObjectBase):
    arrays: list[Arrays]
    first: Arrays | None


ELEMENTS = {
    "float64": doubles,
    "float32": singles,
    **{name.removeprefix("np."): integers(name) for name in RANGES if name.startswith("np.")},
}


@st.composite
def arrays(draw: Any, kind: str) -> Any:
    """One array: also such that share their memory with others, are not contiguous or have another byte order."""
    values = draw(st.lists(ELEMENTS[kind], max_size=6))
    dtype = np.dtype(kind)
    if kind == "float64" and draw(st.booleans()):
        dtype = np.dtype("float32")
        values = draw(st.lists(singles, max_size=6))
    array = np.array(values, dtype=dtype)
    match draw(st.sampled_from(["plain", "plain", "stride", "backwards", "swapped", "read only"])):
        case "stride":
            array = np.repeat(array, 2)[::2]
        case "backwards":
            array = array[::-1]
        case "swapped":
            array = array.astype(dtype.newbyteorder())
        case "read only":
            array.flags.writeable = False
    return array


@st.composite
def objects(draw: Any) -> Any:
    given_fields: dict[str, Any] = {"text": draw(st.sampled_from(["", "\0", "é\x7f", '"\\u0000"']))}
    for kind in draw(st.lists(st.sampled_from(sorted(ELEMENTS)), unique=True, max_size=3)):
        given_fields[kind] = draw(arrays(kind) | st.lists(ELEMENTS[kind], max_size=4))
    if draw(st.booleans()):
        given_fields["flags"] = np.array(draw(st.lists(st.booleans(), max_size=4)), dtype=bool)
    if draw(st.booleans()):
        given_fields["either"] = draw(arrays("float64").filter(len))
    return Arrays(**given_fields)


def as_lists(value: Any) -> Any:
    return Arrays(**{k: v.tolist() if hasattr(v, "tolist") else v for k, v in value.to_kwargs().items()})


@given(objects())
@examples(150)
def test_an_array_is_the_list_of_its_elements(value: Any) -> None:
    plain = as_lists(value)
    expected = reference(plain)
    assert stable(value.to_proto()) == stable(expected)
    assert value.to_binary_buffer() == expected.SerializeToString()
    assert value.to_json() == plain.to_json() == json.dumps(dictionary(plain))
    assert same(value.to_dict(), dictionary(plain))
    assert same(view(Arrays.from_proto(value.to_proto())), read(Arrays, expected))
    again = Arrays.from_json(value.to_json())
    assert stable(again.to_proto()) == stable(expected)
    outer = Outer([value, value], value)
    assert outer.to_json() == Outer([plain, plain], plain).to_json()
    assert outer.to_binary_buffer() == Outer([plain, plain], plain).to_binary_buffer()
    for name, held in value.to_kwargs().items():
        assert getattr(value, name) is held


@given(objects())
@examples(50)
def test_copies_of_objects_with_arrays(value: Any) -> None:
    for made in (copy.copy(value), copy.deepcopy(value)):
        assert type(made) is Arrays
        assert stable(made.to_proto()) == stable(value.to_proto())
        if not any(
            np.isnan(held).any()
            for held in value.to_kwargs().values()
            if hasattr(held, "dtype") and held.dtype.kind == "f"
        ):
            assert made == value


@given(st.lists(finite_doubles, max_size=40))
@examples(150)
def test_vectors_of_finite_numbers(values: list[float]) -> None:
    vector = (
        Arrays(float64=np.array(values), either=np.array(values))
        if values
        else Arrays(float64=np.array(values))
    )
    text = vector.to_json()
    assert json.loads(text)["float64"] == values
    assert f'"float64": {json.dumps(values)}, ' in text
    for made in (Arrays.from_json(text), decode_json(Arrays, parse_json(text.encode()))):
        assert same(made.float64, values)
    assert same(Arrays.from_binary_buffer(vector.to_binary_buffer()).float64, values)


@dataobject(PACKAGE)
class Numbers(DataObjectBase):
    float64: np.float64
    float32: np.float32
    int64: np.int64
    uint64: np.uint64
    int32: np.int32
    uint32: np.uint32
    maybe: int | None
    by_key: dict[int, float]
    many: list[int]
    either: bool | str | float | int


EITHER = {
    np.float64(0.5): "either_float",
    np.float32(0.25): "either_float",
    np.int64(3): "either_int",
    np.uint8(7): "either_int",
    np.bool_(True): "either_bool",
    np.str_("s"): "either_str",
}


@st.composite
def numbers(draw: Any) -> Any:
    given_fields: dict[str, Any] = {
        kind: np.dtype(kind).type(draw(values)) for kind, values in ELEMENTS.items() if draw(st.booleans())
    }
    given_fields["maybe"] = draw(st.none() | st.builds(np.int64, integers("int")) | st.booleans())
    given_fields["by_key"] = {
        np.int64(key): np.float64(0.5) for key in draw(st.lists(integers("int"), max_size=2))
    }
    given_fields["many"] = draw(
        st.lists(st.builds(np.int64, integers("int")) | integers("int") | st.booleans(), max_size=3)
    )
    given_fields["either"] = draw(st.sampled_from([None, *EITHER]))
    return Numbers(**given_fields)


@given(numbers())
@examples(80)
def test_numpy_scalars_are_numbers_on_the_wire(value: Any) -> None:
    message = value.to_proto()
    expected = reference(value)
    assert stable(message) == stable(expected)
    assert stable(Numbers.from_proto(message).to_proto()) == stable(expected)
    if not value.by_key:  # keys of JSON objects have no default handler
        again = Numbers.from_json(value.to_json(default=lambda other: other.item()))
        assert stable(again.to_proto()) == stable(expected)
    assert value.which_oneof("either") == (None if value.either is None else EITHER[value.either])
