"""Columns of values between frames, objects, messages and JSON."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from caikit.core.data_model import DataObjectBase, dataobject
from caikit.interfaces.ts.data_model import SingleTimeSeries, ValueSequence
from caikit.interfaces.ts.data_model.time_types import Vector

NAT = pd.NaT
COLUMNS = [
    ([1, 2, -3], "int64", "val_int", [1, 2, -3]),
    ([1, 2], "int8", "val_int", [1, 2]),
    ([1, 2], "uint64", "val_int", [1, 2]),
    ([1, 2], "Int64", "val_int", [1, 2]),
    ([1.5, math.inf], "float64", "val_float", [1.5, math.inf]),
    ([1.5, 2.0], "float32", "val_float", [1.5, 2.0]),
    ([1.5, 2.0], "Float64", "val_float", [1.5, 2.0]),
    (["a", "ü"], "string", "val_str", ["a", "ü"]),
    (["a", "ü"], object, "val_any", ["a", "ü"]),
    (["a", None], "string", "val_any", ["a", pd.NA]),
    ([1, None], "Int64", "val_any", [1, pd.NA]),
    ([2**63, 1], "uint64", "val_any", [2**63, 1]),
    ([True, False], "bool", "val_any", [True, False]),
    ([True, None], "boolean", "val_any", [True, pd.NA]),
    ([None, None], object, "val_any", [None, None]),
    ([{"a": [1, None]}, 5, "x", None, 2.5], object, "val_any", [{"a": [1, None]}, 5, "x", None, 2.5]),
    (["a", "b", "a"], "category", "val_any", ["a", "b", "a"]),
    ([], object, "val_any", []),
    ([], "int64", "val_int", []),
]


def series_of(column: Any) -> SingleTimeSeries:
    return SingleTimeSeries(pd.DataFrame({"v": column}))


def check_round_trips(series: SingleTimeSeries) -> SingleTimeSeries:
    read = SingleTimeSeries.from_proto(series.to_proto())
    from_json = SingleTimeSeries.from_json(series.to_json())
    assert read == series == from_json
    assert read.to_json() == series.to_json() == from_json.to_json()
    again = SingleTimeSeries(read.as_pandas())
    assert again == series
    assert again.to_binary_buffer() == series.to_binary_buffer()
    return read


@pytest.mark.parametrize(("cells", "dtype", "member", "values"), COLUMNS, ids=lambda value: str(value)[:20])
def test_columns(cells: list[Any], dtype: Any, member: str, values: list[Any]) -> None:
    column = pd.Series(cells, dtype=dtype)
    series = series_of(column)
    sequence = series.values[0]
    assert sequence.which_oneof("sequence") == member
    held = sequence.sequence.values
    assert type(held) is list
    assert held == values or pd.NA in held
    read = check_round_trips(series)
    assert read.values[0].which_oneof("sequence") == member
    expected = [None if cell is None else cell for cell in cells]
    assert read.as_pandas().v.tolist() == expected


def test_missing_floats() -> None:
    for column in (pd.Series([1.0, np.nan]), pd.Series([1.0, None], dtype="Float64")):
        series = series_of(column)
        assert '"val_float": {"values": [1.0, "NaN"]}' in series.to_json()
        read = check_round_trips(series)
        assert read.as_pandas().v.dtype == "float64"
        assert math.isnan(read.as_pandas().v[1])


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (pd.Series(pd.to_datetime(["2024-01-02T00:00:00", "2024-01-03T04:05:06"])), ["2024-01-02T00:00:00", "2024-01-03T04:05:06"]),
        (pd.Series(pd.to_datetime(["2024-01-02T00:00:00.5", None])).dt.as_unit("us"), ["2024-01-02T00:00:00.500000", "NaT"]),
        (pd.Series(pd.to_datetime(["2024-01-02T01:00:00+01:00", None])), ["2024-01-02T00:00:00+00:00", "NaT"]),
        (pd.Series(pd.period_range("2024-01", periods=2, freq="M")), ["2024-01-01T00:00:00", "2024-02-01T00:00:00"]),
    ],
)  # fmt: skip
def test_points_in_time(column: Any, texts: list[str]) -> None:
    series = series_of(column)
    assert series.values[0].val_timepoint.values == texts
    read = check_round_trips(series)
    back = read.as_pandas().v
    assert isinstance(back.dtype, pd.DatetimeTZDtype) == ("+" in texts[0])
    assert back.isna().tolist() == [text == "NaT" for text in texts]


def test_points_in_time_of_others() -> None:
    texts = ["2024-01-02", "2024-01-02T01:00+01:00", "2024-01-02T00:00:00Z"]
    values = ValueSequence(ValueSequence.TimePointSequence(texts))
    column = single(values).as_pandas().v
    assert (column == pd.Timestamp("2024-01-02", tz="UTC")).all()
    with pytest.raises(ValueError, match="nonsense"):
        single(ValueSequence(ValueSequence.TimePointSequence(["nonsense"]))).as_pandas()


@pytest.mark.parametrize(
    "cells",
    [
        [[1.0, 2.5], [3, 4]],
        [[1, 2], [3, 4]],
        [(1.0, 2.0), (3.0,), ()],
        [np.array([1.0, np.nan]), np.array([3, 4])],
        [np.array([0.5], "float32"), [1.0]],
    ],
    ids=repr,
)
def test_vectors(cells: list[Any]) -> None:
    series = series_of(pd.Series(cells, dtype=object))
    sequence = series.values[0]
    assert sequence.which_oneof("sequence") == "val_vector"
    assert all(isinstance(vector, Vector) for vector in sequence.val_vector.values)
    assert sequence.val_vector.values[0].data[0] == cells[0][0]
    back = check_round_trips(series).as_pandas().v
    assert all(isinstance(cell, np.ndarray) and cell.dtype == "float64" for cell in back)
    assert [len(cell) for cell in back] == [len(cell) for cell in cells]


@pytest.mark.parametrize(
    "cells", [[[1.0], None], [["a"], ["b"]], [[1.0], 2], [[1, None]], [[[1.0]], [[2.0]]], [[True]], [[1], [[2], [3, 4]]]]
)  # fmt: skip
def test_lists_that_are_no_vectors(cells: list[Any]) -> None:
    series = series_of(pd.Series(cells, dtype=object))
    assert series.values[0].which_oneof("sequence") == "val_any"
    assert check_round_trips(series).as_pandas().v.tolist() == cells


def test_cells_without_a_form_of_their_own() -> None:
    moment = datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc)
    cells = [np.int64(5), pd.NaT, moment, datetime.date(2024, 1, 2), b"\x00\xff", np.array(["a"]), None]
    texts = ["5", "null", '"2024-01-02T00:00:00+00:00"', '"2024-01-02"', '"AP8="', '["a"]', "null"]
    values = ValueSequence.AnyValueSequence(cells)
    assert list(values.to_proto().values) == texts
    assert values.to_dict() == {"values": texts}
    with pytest.raises(TypeError, match="expected a value with a JSON form in a time series, got set"):
        ValueSequence.AnyValueSequence([{1}]).to_proto()


def test_cells_are_json_texts_in_messages_and_json() -> None:
    cells = ["text", True, None, 1, 2.5, {"a": "b"}, [1, "c"]]
    texts = ['"text"', "true", "null", "1", "2.5", '{"a": "b"}', '[1, "c"]']
    values = ValueSequence(ValueSequence.AnyValueSequence(cells))
    assert values.to_dict() == {"val_any": {"values": texts}}
    assert ValueSequence.from_json(values.to_json()).val_any.values == cells
    message = ValueSequence.get_proto_class()(val_any={"values": texts})
    assert ValueSequence.from_proto(message).val_any.values == cells
    assert ValueSequence.from_proto(message) == values


@pytest.mark.parametrize("text", ["no JSON", "", "[1", "1,2", "[" * 100_000])
def test_cells_that_are_no_json(text: str) -> None:
    message = ValueSequence.get_proto_class()(val_any={"values": [text]})
    with pytest.raises(ValueError, match="expected JSON text in a value of a time series, got"):
        ValueSequence.from_proto(message)


SEQUENCES = [
    ValueSequence(ValueSequence.IntValueSequence([1, -(2**63), 2**63 - 1])),
    ValueSequence(ValueSequence.IntValueSequence(np.array([1, 2], "int32"))),
    ValueSequence(ValueSequence.FloatValueSequence([0.5, -0.0])),
    ValueSequence(ValueSequence.FloatValueSequence(np.array([0.5, 1.0], "float32"))),
    ValueSequence(ValueSequence.FloatValueSequence([])),
    ValueSequence(ValueSequence.StrValueSequence(["a", ""])),
    ValueSequence(ValueSequence.TimePointSequence(["2024-01-01"])),
    ValueSequence(ValueSequence.AnyValueSequence([None, {"a": 1}])),
    ValueSequence(
        ValueSequence.VectorValueSequence([Vector([0.5]), Vector([]), Vector(np.array([1.0, 2.0]))])
    ),
]


@pytest.mark.parametrize("data", SEQUENCES, ids=lambda data: str(data.which_oneof("sequence")))
def test_round_trips(data: ValueSequence) -> None:
    for read in (
        ValueSequence.from_proto(data.to_proto()),
        ValueSequence.from_json(data.to_json()),
        ValueSequence.from_json(data.to_dict()),
        ValueSequence.from_binary_buffer(data.to_binary_buffer()),
    ):
        assert read.to_json() == data.to_json()
        assert read.which_oneof("sequence") == data.which_oneof("sequence")
        assert type(read.sequence) is type(data.sequence)


@dataobject("tests.ts_values")
class Holder(DataObjectBase):
    vector: Vector


def test_numbers_stay_arrays() -> None:
    array = np.arange(1000.0)
    for cls in (Vector, ValueSequence.FloatValueSequence):
        data = cls(array)
        read = cls.from_proto(data.to_proto())
        assert isinstance(read.numbers(), np.ndarray)
        assert isinstance(cls.from_json({cls.fields[0]: array.tolist()}).numbers(), np.ndarray)
        assert np.array_equal(read.as_array(), array)
        assert read == cls(array.tolist())
    assert Holder.from_json(Holder(Vector(array)).to_json()).vector == Vector(array)


def test_changed_lists_count() -> None:
    read = Vector.from_proto(Vector([1.0, 2.0]).to_proto())
    read.data.append(3.0)
    assert list(read.to_proto().data) == [1.0, 2.0, 3.0]
    assert read.to_dict() == {"data": [1.0, 2.0, 3.0]}
    read.data = [5.0]
    assert list(read.to_proto().data) == [5.0]


def test_messages_with_unknown_fields() -> None:
    data = Vector([1.0, 2.0]).to_binary_buffer() + b"\x12\x01x"
    assert Vector.from_binary_buffer(data).data == [1.0, 2.0]


def test_numbers_in_json() -> None:
    values = ValueSequence.FloatValueSequence([1.0, math.nan, math.inf, -math.inf])
    assert values.to_json() == '{"values": [1.0, "NaN", "Infinity", "-Infinity"]}'
    assert values.to_json(indent=1).count("NaN") == 1
    read = ValueSequence.FloatValueSequence.from_json(values.to_json())
    assert repr(read.values) == "[1.0, nan, inf, -inf]"
    assert ValueSequence.FloatValueSequence.from_json('{"values": [1, "2.5", NaN]}').values[:2] == [1.0, 2.5]
    assert Vector().to_dict() == {"data": None}


@pytest.mark.parametrize("values", ['["x"]', "[null]", "[[1]]", "5", "[1" + "0" * 400 + "]", '[{"a": 1}]'])
def test_numbers_that_are_refused(values: str) -> None:
    with pytest.raises(ValueError):
        ValueSequence.FloatValueSequence.from_json(f'{{"values": {values}}}')


def single(*values: ValueSequence) -> SingleTimeSeries:
    from caikit.interfaces.ts.data_model import PeriodicTimeSequence, TimeDuration, TimePoint

    return SingleTimeSeries(
        time_period=PeriodicTimeSequence(TimePoint(0), TimeDuration(1)),
        values=list(values),
        value_labels=["v", "w", "x"][: len(values)],
    )
