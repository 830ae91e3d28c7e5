"""Time series over data frames and out of messages."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from caikit.core.data_model import ProducerId
from caikit.core.data_model.data_backends import DictBackend
from caikit.interfaces.ts.data_model import (
    PeriodicTimeSequence,
    PointTimeSequence,
    SingleTimeSeries,
    TimeDuration,
    TimePoint,
    TimeSeries,
    ValueSequence,
)

FRAME = pd.DataFrame(
    {
        "key": ["b", "a", "b", "a"],
        "part": [2, 1, 1, 1],
        "when": pd.date_range("2024-01-01T00:00:00.5", periods=4),
        "i": [1, 2, 3, 4],
        "f": [1.0, np.nan, 3.5, 4.0],
        "s": ["x", "y", "z", ""],
        "mixed": [None, True, {"a": [1]}, "text"],
        "vector": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]],
    }
).astype({"key": "string", "s": "string"})

SHAPES = {
    "keyless": {},
    "points": {"timestamp_column": "when"},
    "numbers": {"timestamp_column": "i"},
    "floats": {"timestamp_column": "f"},
    "keyed": {"key_column": "key", "timestamp_column": "when"},
    "keyed by a number": {"key_column": "part"},
    "keyed twice": {"key_column": ["key", "part"], "timestamp_column": "when"},
    "some values": {"timestamp_column": "when", "value_columns": ["i", "s"]},
    "one value": {"key_column": "key", "value_columns": "f"},
    "known": {"ids": [7], "producer_id": ("me", "1.0.0")},
}


@pytest.mark.parametrize("arguments", SHAPES.values(), ids=SHAPES)
def test_round_trips(arguments: dict[str, Any]) -> None:
    series = TimeSeries(FRAME, **arguments)
    for read in (
        TimeSeries.from_proto(series.to_proto()),
        TimeSeries.from_binary_buffer(series.to_binary_buffer()),
        TimeSeries.from_json(series.to_json()),
        TimeSeries.from_json(series.to_dict()),
        pickle.loads(pickle.dumps(series)),
        copy.deepcopy(series),
    ):
        assert read == series
        assert series == read
        assert len(read) == len(series) == 4
        assert read.to_json() == series.to_json()
        assert read.producer_id == series.producer_id
        back = TimeSeries(read.as_pandas(), **arguments)
        assert back == series


def test_the_frame_comes_back_as_it_is() -> None:
    for arguments in ({}, {"timestamp_column": "when"}, {"key_column": "key"}):
        pd.testing.assert_frame_equal(TimeSeries(FRAME, **arguments).as_pandas(), FRAME)
    assert list(SingleTimeSeries(FRAME, "when", ["s", "i"]).as_pandas()) == ["when", "i", "s"]


def test_frames_are_apart() -> None:
    frame = FRAME.copy()
    series = TimeSeries(frame, timestamp_column="when")
    given = series.as_pandas()
    given["i"] = 0
    frame["s"] = "new"
    assert TimeSeries(FRAME, timestamp_column="when") == series


def test_keyless_fields() -> None:
    series = TimeSeries(FRAME, timestamp_column="when", value_columns=["i", "f"])
    assert series.id_labels == []
    assert series.producer_id is None
    (one,) = series.timeseries
    assert isinstance(one, SingleTimeSeries)
    assert (one.timestamp_label, one.value_labels, one.ids) == ("when", ["i", "f"], None)
    assert one.which_oneof("time_sequence") == "time_points"
    assert one.time_points.points[1].time.seconds == pd.Timestamp("2024-01-02T00:00:00.5").timestamp()
    assert [values.which_oneof("sequence") for values in one.values] == ["val_int", "val_float"]
    assert one.values[0].val_int.values == [1, 2, 3, 4]


def test_keyed_fields() -> None:
    series = TimeSeries(FRAME, key_column=["key", "part"])
    assert series.id_labels == ["key", "part"]
    assert [one.ids.values for one in series.timeseries] == [["a", "1"], ["b", "1"], ["b", "2"]]
    assert [len(one) for one in series.timeseries] == [2, 1, 1]
    numbered = TimeSeries(FRAME, key_column="part")
    assert [one.ids.values for one in numbered.timeseries] == [[1], [2]]
    assert {one.which_oneof("ids") for one in numbered.timeseries} == {"id_int"}
    assert all(type(one.ids.values[0]) is int for one in numbered.timeseries)
    back = TimeSeries.from_proto(numbered.to_proto()).as_pandas()
    assert back.part.tolist() == [1, 1, 1, 2]
    assert next(iter(back)) == "part"


def time_fields(column: Any) -> tuple[Any, ...]:
    frame = pd.DataFrame({"t": column, "v": range(len(column))})
    series = SingleTimeSeries(frame, "t")
    read = SingleTimeSeries.from_proto(series.to_proto())
    assert read == series == SingleTimeSeries.from_json(series.to_json())
    assert read.timestamp_label == "t"
    sequence = series.time_sequence
    return series.which_oneof("time_sequence"), sequence, read.as_pandas().t


def test_no_timestamps() -> None:
    series = SingleTimeSeries(FRAME)
    assert series.time_period == PeriodicTimeSequence(TimePoint(0), TimeDuration(1))
    assert series.timestamp_label == ""


@pytest.mark.parametrize("frequency", ["D", "M", "h", "min", "s", "ms", "W-SUN", "Q-DEC", "Y-DEC", "2D"])
def test_periods(frequency: str) -> None:
    periods = pd.Series(pd.period_range("2024-01-05", periods=3, freq=frequency))
    member, sequence, back = time_fields(periods)
    assert member == "time_period"
    assert sequence.period_length == TimeDuration(frequency)
    assert sequence.start_time.ts_epoch.seconds == periods[0].start_time.timestamp()
    assert back.equals(periods)


@pytest.mark.parametrize("texts", [["2024-01", "2024-03"], ["2024-02", "2024-01"], ["2024-01", None], []])
def test_periods_with_gaps_become_points(texts: list[Any]) -> None:
    periods = pd.Series(pd.PeriodIndex(texts, freq="M"))
    member, sequence, back = time_fields(periods)
    assert member == "time_points"
    assert len(sequence.points) == len(texts)
    assert (back.dropna() == periods.dropna().dt.start_time).all()


@pytest.mark.parametrize(
    ("column", "kind", "numbers"),
    [
        (pd.Series([5, 1, 7]), "ts_int", [5, 1, 7]),
        (pd.Series([5, 1], dtype="uint8"), "ts_int", [5, 1]),
        (pd.Series([0.5, 0.0]), "ts_float", [0.5, 0.0]),
        (pd.Series([0.5, 2.0], dtype="Float32"), "ts_float", [0.5, 2.0]),
        (pd.Series(pd.to_datetime([0, 1], unit="s")), "ts_epoch", [0.0, 1.0]),
        (pd.Series(pd.to_datetime([0, 10**9], unit="us")), "ts_epoch", [0.0, 1000.0]),
        (pd.Series(pd.to_datetime([0], unit="ns", utc=True)), "ts_epoch", [0.0]),
        (pd.Series([pd.Timestamp(1, unit="s")] * 2, dtype=object), "ts_epoch", [1.0, 1.0]),
    ],
    ids=lambda value: str(value)[:20],
)
def test_points(column: Any, kind: str, numbers: list[Any]) -> None:
    member, sequence, back = time_fields(column)
    assert member == "time_points"
    assert {point.which_oneof("time") for point in sequence.points} <= {kind}
    times = [point.time for point in sequence.points]
    assert [getattr(time, "seconds", time) for time in times] == numbers
    assert len(back) == len(numbers)


def test_datetimes_keep_microseconds() -> None:
    moments = ["1850-06-01T00:00:00.000001", "2024-01-01T00:00:00.123457", "2200-01-01T00:00:00.999999"]
    column = pd.Series(pd.to_datetime(moments))
    assert (time_fields(column)[2] == column).all()
    some = pd.Series(pd.to_datetime(["2024-01-01", None]))
    assert time_fields(some)[2].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    "column", [["2024-01-01"], [True], [None], [pd.Timedelta("1s")], [2**64 - 1]], ids=repr
)
def test_what_is_no_time(column: list[Any]) -> None:
    with pytest.raises(
        ValueError, match="expected numbers, datetimes or periods in the timestamp column 't'"
    ):
        time_fields(pd.Series(column))


def test_include_timestamps() -> None:
    for make in MAKERS:
        plain = make(TimeSeries(FRAME, value_columns=["i", "s"]))
        assert list(plain.as_pandas()) == ["i", "s"]
        assert list(plain.as_pandas(include_timestamps=False)) == ["i", "s"]
        assert plain.as_pandas(include_timestamps=True).timestamp.tolist() == [0, 1, 2, 3]
        assert plain.timeseries[0].as_pandas(True).timestamp.tolist() == [0, 1, 2, 3]

        keyed = make(TimeSeries(FRAME, key_column="key", value_columns="i"))
        numbered = keyed.as_pandas(include_timestamps=True).sort_values(["key", "timestamp"])
        assert numbered.i.tolist() == [2, 4, 1, 3]
        assert numbered.timestamp.tolist() == [0, 1, 0, 1]

        timed = make(TimeSeries(FRAME, timestamp_column="when", value_columns="i"))
        assert list(timed.as_pandas()) == list(timed.as_pandas(include_timestamps=True)) == ["when", "i"]
        assert list(timed.as_pandas(include_timestamps=False)) == ["i"]
        assert list(timed.timeseries[0].as_pandas(False)) == ["i"]
    with pytest.raises(ValueError, match="expected no values in a column 'timestamp'"):
        TimeSeries(FRAME.rename(columns={"i": "timestamp"})).as_pandas(include_timestamps=True)


MAKERS: list[Callable[[TimeSeries], TimeSeries]] = [
    lambda series: series,
    lambda series: TimeSeries.from_proto(series.to_proto()),
]


def test_is_multi() -> None:
    for make in MAKERS:
        plain = make(TimeSeries(FRAME, value_columns="i"))
        assert plain.as_pandas(is_multi=True)["_TS_RESERVED"].tolist() == [0, 0, 0, 0]
        for no in (False, None):
            assert list(plain.as_pandas(is_multi=no)) == ["i"]
        keyed = make(TimeSeries(FRAME, key_column="key", value_columns="i"))
        assert list(keyed.as_pandas(is_multi=True)) == list(keyed.as_pandas())


def test_columns_with_numbers_for_names() -> None:
    frame = pd.DataFrame([[1, 2.5], [2, 3.5]])
    series = TimeSeries(frame, key_column=0)
    assert series.timeseries[0].value_labels == ["1"]
    assert TimeSeries.from_proto(series.to_proto()) == series
    assert SingleTimeSeries(frame, timestamp_column=0).timestamp_label == "0"


def test_empty_frames() -> None:
    for arguments in ({}, {"timestamp_column": "when"}, {"timestamp_column": "i"}):
        series = TimeSeries(FRAME[:0], **arguments)
        read = TimeSeries.from_proto(series.to_proto())
        assert len(read) == len(series) == 0
        assert list(read.as_pandas()) == list(TimeSeries.from_json(series.to_json()).as_pandas())
        assert read == series


def test_equality() -> None:
    series = TimeSeries(FRAME, timestamp_column="when")
    assert series == TimeSeries(FRAME[::-1], timestamp_column="when")
    assert series == TimeSeries(FRAME[FRAME.columns[::-1]], timestamp_column="when")
    assert series == TimeSeries(FRAME.astype({"i": "int16", "key": object}), timestamp_column="when")
    assert series == TimeSeries(FRAME, timestamp_column="when", producer_id=("a", "b"))
    assert series != TimeSeries(FRAME, timestamp_column="i")
    assert series != TimeSeries(FRAME)
    assert series != TimeSeries(FRAME[:3], timestamp_column="when")
    assert series != TimeSeries(FRAME.rename(columns={"i": "j"}), timestamp_column="when")
    assert series != TimeSeries(FRAME, key_column="key", timestamp_column="when")
    assert series != series.timeseries[0]
    assert series.timeseries[0] != series
    assert TimeSeries(FRAME, ids=[1]) != TimeSeries(FRAME, ids=[2])
    assert TimeSeries(FRAME, key_column="key") == TimeSeries(
        pd.concat([FRAME[FRAME.key == "b"], FRAME[FRAME.key == "a"]]), key_column="key"
    )
    with pytest.raises(TypeError):
        hash(series)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("i", 0),
        ("f", 0.0),
        ("f", None),
        ("s", "other"),
        ("mixed", False),
        ("mixed", {"a": [2]}),
        ("vector", [0.0]),
    ],
)
def test_inequality_of_values(column: str, value: Any) -> None:
    frame = FRAME.copy()
    cells = [*frame[column]]
    cells[2] = value
    frame[column] = pd.Series(cells, dtype=None if column == "f" else frame[column].dtype)
    assert SingleTimeSeries(FRAME) != SingleTimeSeries(frame)
    assert SingleTimeSeries.from_proto(SingleTimeSeries(FRAME).to_proto()) != SingleTimeSeries(frame)
    assert SingleTimeSeries(frame) == SingleTimeSeries(frame.copy())


def test_times_with_and_without_a_zone() -> None:
    zoned = FRAME.assign(when=FRAME.when.dt.tz_localize("Europe/Berlin"))
    series = TimeSeries(zoned, timestamp_column="when")
    read = TimeSeries.from_proto(series.to_proto())
    assert read == series
    assert read.as_pandas().when[0] == pd.Timestamp("2023-12-31T23:00:00.5")
    assert series != TimeSeries(FRAME, timestamp_column="when")


def test_series_by_hand() -> None:
    one = SingleTimeSeries(FRAME, "when")
    for series in (
        TimeSeries(timeseries=one),
        TimeSeries(timeseries=[one]),
        TimeSeries(one),
        TimeSeries([one]),
    ):
        assert series.timeseries == [one]
        assert series.id_labels == []
        assert series == TimeSeries(FRAME, timestamp_column="when")
    keyed = TimeSeries(FRAME, key_column="part", timestamp_column="when")
    same = TimeSeries(timeseries=keyed.timeseries[::-1], id_labels=["part"], producer_id=("a", "1"))
    assert same == keyed
    assert same.producer_id == ProducerId("a", "1")
    without_ids = TimeSeries(timeseries=[one, one])
    assert without_ids.as_pandas()["_TS_RESERVED"].tolist() == [0] * 4 + [1] * 4
    assert TimeSeries.from_proto(without_ids.to_proto()) == without_ids
    assert without_ids.as_pandas(include_timestamps=True, is_multi=True).shape == (8, 9)


def test_fields_by_hand() -> None:
    period, points = periodic(0, 1), PointTimeSequence([TimePoint(5), TimePoint(7)])
    values = [ints(1, 2)]
    for series in (
        SingleTimeSeries(
            time_sequence=points, values=values, timestamp_label="t", value_labels=["v"], ids=[3]
        ),
        SingleTimeSeries(time_points=points, values=values, timestamp_label="t", value_labels=["v"], ids=3),
        SingleTimeSeries(
            time_points=points,
            values=values,
            timestamp_label="t",
            value_labels=["v"],
            id_int=SingleTimeSeries.IntIDSequence([3]),
        ),
    ):
        assert series.as_pandas().to_dict("list") == {"t": [5, 7], "v": [1, 2]}
        assert series.ids.values == [3]
        assert SingleTimeSeries.from_proto(series.to_proto()) == series
        assert SingleTimeSeries.from_json(series.to_json()) == series
        assert series.to_dict()["id_int"] == {"values": [3]}
    assert SingleTimeSeries(ids="a").id_str.values == ["a"]
    assert SingleTimeSeries(ids=["a", "b"]).ids.values == ["a", "b"]
    empty = SingleTimeSeries.from_proto(SingleTimeSeries().to_proto())
    assert (empty.time_sequence, empty.values, empty.ids, len(empty)) == (None, [], None, 0)
    with pytest.raises(TypeError, match="oneof time_sequence"):
        SingleTimeSeries(time_points=points, time_period=period)
    with pytest.raises(TypeError, match="oneof ids"):
        SingleTimeSeries(ids=[1], id_str=SingleTimeSeries.StringIDSequence(["a"]))
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        SingleTimeSeries(other=1)
    with pytest.raises(TypeError, match="expected a data frame or fields"):
        SingleTimeSeries(FRAME, values=values)


def test_assigned_fields_count() -> None:
    series = TimeSeries(FRAME, timestamp_column="when", value_columns="i")
    series.producer_id = ProducerId("me", "1")
    assert TimeSeries.from_proto(series.to_proto()).producer_id == ProducerId("me", "1")
    series.timeseries = [SingleTimeSeries(FRAME[:2], "when", "f")]
    assert list(series.as_pandas()) == ["when", "f"]
    assert len(series) == 2
    one = SingleTimeSeries(FRAME, value_columns="i")
    one.time_sequence = periodic(10, 5)
    assert one.as_pandas().to_dict("list") == {"timestamp": [10, 15, 20, 25], "i": [1, 2, 3, 4]}
    one.value_labels = ["other"]
    assert list(TimeSeries(one).as_pandas()) == ["timestamp", "other"]


def periodic(start: Any, length: Any) -> PeriodicTimeSequence:
    return PeriodicTimeSequence(TimePoint(start), TimeDuration(length))


def ints(*numbers: int) -> ValueSequence:
    return ValueSequence(ValueSequence.IntValueSequence(list(numbers)))


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((), ValueError, "expected a data frame or timeseries, got neither"),
        (([1],), TypeError, "expected SingleTimeSeries in timeseries, got int"),
        ((5,), TypeError, "expected a data frame or a list of SingleTimeSeries, got int"),
        (("text",), TypeError, "got str"),
        (({"a": [1]},), TypeError, "got dict"),
        ((np.zeros((2, 2)),), TypeError, "got ndarray"),
        ((FRAME.i,), TypeError, "got Series"),
        ((FRAME, None, "none"), ValueError, r"expected columns of the data frame, .*, got \['none'\]"),
        ((FRAME, "none"), ValueError, r"got \['none'\]"),
        ((FRAME, None, None, ["i", "none"]), ValueError, r"got \['none'\]"),
        ((FRAME, "i", "i"), ValueError, r"names and parts of their own, got \['i'\]"),
        ((FRAME, None, None, ["i", "i"]), ValueError, r"got \['i'\]"),
        ((FRAME.rename(columns={"i": "f"}),), ValueError, "names and parts of their own"),
        ((FRAME, "key", None, None, [1]), ValueError, "expected ids or key columns"),
    ],
    ids=repr,
)
def test_what_is_no_time_series(arguments: tuple[Any, ...], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        TimeSeries(*arguments)


def test_what_is_no_single_time_series() -> None:
    for wrong in ([1], 5, FRAME.i, SingleTimeSeries(FRAME)):
        with pytest.raises(NotImplementedError, match="expected a data frame of pandas or Spark"):
            SingleTimeSeries(wrong)
    with pytest.raises(ValueError, match="expected columns of the data frame"):
        SingleTimeSeries(FRAME, "none")
    with pytest.raises(TypeError, match="expected a data frame or timeseries, got both"):
        TimeSeries(FRAME, timeseries=[])
    with pytest.raises(TypeError, match="expected ValueSequence in the values of a time series, got int"):
        SingleTimeSeries(values=[1])
    with pytest.raises(
        TypeError, match="expected a list of ValueSequence for the values of a time series, got dict"
    ):
        SingleTimeSeries(values={"val_int": 1})


def test_keys_that_do_not_group() -> None:
    for column in ([[1], [2], [1], [3]], [{1}, {2}, {1}, {3}]):
        with pytest.raises(
            ValueError, match=r"expected key columns that pandas can sort and group by, got \['key'\]"
        ):
            TimeSeries(FRAME.assign(key=column[: len(FRAME)]), key_column="key").to_proto()


def test_rows_without_a_key() -> None:
    frame = FRAME.assign(key=["a", None, "b", "a"])
    with pytest.raises(ValueError, match=r"some are missing in \['key'\]"):
        TimeSeries(frame, key_column="key").to_proto()


def test_categories_as_keys() -> None:
    frame = FRAME.astype({"key": pd.CategoricalDtype(["a", "b", "never"])})
    series = TimeSeries(frame, key_column="key")
    assert [one.ids.values for one in series.timeseries] == [["a"], ["b"]]
    assert TimeSeries.from_proto(series.to_proto()) == series


def test_other_backends() -> None:
    data = TimeSeries(FRAME, timestamp_column="when", value_columns="i").to_dict()
    single = data["timeseries"][0]
    period = {
        "time_period": {"start_time": {"ts_int": 1}, "period_length": {"dt_int": 2}},
        "value_labels": ["i"],
    }
    series = SingleTimeSeries.from_backend(DictBackend({"values": single["values"], **period}))
    assert series.as_pandas().to_dict("list") == {"timestamp": [1, 3, 5, 7], "i": [1, 2, 3, 4]}
    assert SingleTimeSeries.from_proto(series.to_proto()) == series


def test_cells_are_not_kept_anywhere() -> None:
    class Text(str):
        """Something that weak references can follow."""

    import gc
    import weakref

    cell = Text("a" * 50)
    kept = weakref.ref(cell)
    frame = pd.DataFrame({"v": pd.Series([cell, 1], dtype=object)})
    TimeSeries.from_json(TimeSeries(frame).to_json()).as_pandas()
    del frame, cell
    gc.collect()
    assert kept() is None
