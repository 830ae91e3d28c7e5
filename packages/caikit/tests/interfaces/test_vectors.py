"""Vectors over lists and arrays."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from caikit.interfaces.common.data_model import (
    ListOfVector1D,
    NpFloat32Sequence,
    NpFloat64Sequence,
    PyFloatSequence,
    Vector1D,
)
from caikit.interfaces.nlp.data_model import EmbeddingResult, EmbeddingResults

NUMBERS = [0.5, -1.25, 3.0]
FLAVOURS = [
    pytest.param(NUMBERS, PyFloatSequence, "data_pyfloatsequence", id="list"),
    pytest.param(np.array(NUMBERS, np.float32), NpFloat32Sequence, "data_npfloat32sequence", id="float32"),
    pytest.param(np.array(NUMBERS, np.float64), NpFloat64Sequence, "data_npfloat64sequence", id="float64"),
]


@pytest.mark.parametrize(("values", "sequence", "member"), FLAVOURS)
def test_round_trips(values: Any, sequence: type, member: str) -> None:
    vector = Vector1D.from_vector(values)
    assert isinstance(vector.data, sequence)
    assert vector.data.values is values

    proto = vector.to_proto()
    assert proto.WhichOneof("data") == member
    assert list(getattr(proto, member).values) == NUMBERS

    read = Vector1D.from_proto(proto)
    assert type(read.data) is sequence
    assert type(read.data.values) is type(values)
    assert getattr(read.data.values, "dtype", None) == getattr(values, "dtype", None)
    assert list(read.data.values) == NUMBERS
    assert Vector1D.from_binary_buffer(vector.to_binary_buffer()) == vector

    text = '{"data": {"values": [0.5, -1.25, 3.0]}}'
    assert vector.to_json() == text
    assert json.loads(vector.to_json(indent=2)) == json.loads(text)
    assert vector.to_dict() == {"data": {"values": NUMBERS}}
    assert type(vector.to_dict()["data"]["values"]) is list
    from_json = Vector1D.from_json(text)
    assert type(from_json.data) is PyFloatSequence
    assert from_json.data.values == NUMBERS
    assert Vector1D.from_json(json.loads(text)) == from_json


@pytest.mark.parametrize(("values", "sequence", "member"), FLAVOURS)
def test_vectors_inside_other_objects(values: Any, sequence: type, member: str) -> None:
    result = EmbeddingResult(Vector1D.from_vector(values), None, 3)
    assert type(EmbeddingResult.from_proto(result.to_proto()).result.data) is sequence
    assert result.to_json() == (
        '{"result": {"data": {"values": [0.5, -1.25, 3.0]}}, "producer_id": null, "input_token_count": 3}'
    )
    assert EmbeddingResult.from_json(result.to_json()).to_json() == result.to_json()

    results = EmbeddingResults(ListOfVector1D([Vector1D.from_vector(values)] * 2), None, 6)
    read = EmbeddingResults.from_proto(results.to_proto())
    assert [type(vector.data) for vector in read.results.vectors] == [sequence, sequence]
    assert read.to_dict()["results"] == {"vectors": [{"data": {"values": NUMBERS}}] * 2}
    assert EmbeddingResults.from_json(results.to_json()).to_json() == results.to_json()


@pytest.mark.parametrize(
    "member", ["data_pyfloatsequence", "data_npfloat32sequence", "data_npfloat64sequence"]
)
def test_json_may_name_the_member(member: str) -> None:
    vector = Vector1D.from_json({"data": None, member: {"values": NUMBERS}})
    assert list(vector.data.values) == NUMBERS
    assert vector.to_dict() == {"data": {"values": NUMBERS}}


@pytest.mark.parametrize(
    ("values", "member"),
    [
        ([np.float32(0.5)], "data_npfloat32sequence"),
        ((np.float64(0.5),), "data_npfloat64sequence"),
        ((0.5,), "data_pyfloatsequence"),
    ],
)
def test_the_first_element_decides(values: Any, member: str) -> None:
    vector = Vector1D.from_vector(values)
    assert isinstance(vector.data, PyFloatSequence)
    assert vector.to_proto().WhichOneof("data") == member
    assert vector.to_json() == '{"data": {"values": [0.5]}}'


@pytest.mark.parametrize("values", [[1, 2], (1, 2.0), np.array([1, 2]), np.array([1, 2], np.uint8)])
def test_integers_become_floats(values: Any) -> None:
    vector = Vector1D.from_vector(values)
    assert isinstance(vector.data, PyFloatSequence)
    assert vector.to_json() == '{"data": {"values": [1.0, 2.0]}}'
    assert vector.to_proto().data_pyfloatsequence.values == [1.0, 2.0]
    assert Vector1D(PyFloatSequence(values)).to_proto().data_pyfloatsequence.values == [1.0, 2.0]


@pytest.mark.parametrize("values", [[], np.array([], np.float32)])
def test_empty_vectors_set_no_member(values: Any) -> None:
    proto = Vector1D.from_vector(values).to_proto()
    assert proto.WhichOneof("data") is None
    read = Vector1D.from_proto(proto)
    assert isinstance(read.data, PyFloatSequence)
    assert read.data.values == []
    assert read.to_json() == '{"data": {"values": []}}'


def test_what_is_no_vector() -> None:
    for wrong in (NUMBERS, None, "text"):
        with pytest.raises(ValueError, match="expected an object with values"):
            Vector1D(wrong)
    with pytest.raises(TypeError, match="expected numbers in a vector, got str"):
        Vector1D.from_vector(["a"]).to_proto()


@pytest.mark.parametrize("vectors", [None, "text", [NUMBERS], (Vector1D.from_vector(NUMBERS),)])
def test_a_list_of_vectors_is_a_list_of_vectors(vectors: Any) -> None:
    with pytest.raises(TypeError):
        ListOfVector1D(vectors)


@pytest.mark.parametrize("size", [1, 31, 32, 5000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_of_any_length_are_read_as_they_were_written(size: int, dtype: Any) -> None:
    values = np.random.default_rng(size).normal(size=size).astype(dtype)
    read = Vector1D.from_proto(Vector1D.from_vector(values).to_proto()).data.values
    assert read.dtype == dtype
    assert np.array_equal(read, values)
    read[0] = 1.0
    assert read.flags.aligned


def test_strided_and_foreign_arrays() -> None:
    values = np.arange(10, dtype=np.float32)[::2]
    assert Vector1D.from_vector(values).to_proto().data_npfloat32sequence.values == [0, 2, 4, 6, 8]
    swapped = np.arange(3).astype(">f8")
    assert Vector1D.from_proto(Vector1D.from_vector(swapped).to_proto()).to_dict() == {
        "data": {"values": [0, 1, 2]}
    }


def test_fields_of_newer_messages_do_not_disturb_arrays() -> None:
    proto = NpFloat32Sequence.get_proto_class().FromString(
        NpFloat32Sequence(np.array(NUMBERS, np.float32)).to_binary_buffer() + b"\x12\x01x"
    )
    assert list(NpFloat32Sequence.from_proto(proto).values) == NUMBERS
