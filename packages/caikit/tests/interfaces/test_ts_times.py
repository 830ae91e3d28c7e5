"""Points in time and durations."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from caikit.interfaces.ts.data_model import (
    PeriodicTimeSequence,
    PointTimeSequence,
    Seconds,
    TimeDuration,
    TimePoint,
)
from caikit.interfaces.ts.data_model.backends.util import pd_timestamp_to_seconds

UTC = datetime.timezone.utc

OBJECTS = [
    Seconds(1.5),
    Seconds(-1.5),
    TimePoint(3),
    TimePoint(0),
    TimePoint(2.5),
    TimePoint(Seconds(7.25)),
    TimeDuration(3),
    TimeDuration(0.5),
    TimeDuration("D"),
    TimeDuration(Seconds(60.0)),
    PeriodicTimeSequence(TimePoint(Seconds(5.0)), TimeDuration("M")),
    PointTimeSequence([TimePoint(1), TimePoint(-5)]),
    PointTimeSequence([TimePoint(0.5), TimePoint(0.0)]),
    PointTimeSequence([TimePoint(Seconds(1.5)), TimePoint(Seconds(0.0))]),
    PointTimeSequence([TimePoint(Seconds(1.5)), TimePoint(Seconds(2.0))]),
    PointTimeSequence([TimePoint(Seconds(1.5)), TimePoint(2), TimePoint(0.5)]),
    PointTimeSequence([]),
]


@pytest.mark.parametrize("data", OBJECTS, ids=lambda data: type(data).__name__)
def test_round_trips(data: Any) -> None:
    cls = type(data)
    assert cls.from_proto(data.to_proto()) == data
    assert cls.from_binary_buffer(data.to_binary_buffer()) == data
    assert cls.from_json(data.to_json()) == data
    assert cls.from_json(data.to_dict()) == data
    assert cls.from_proto(data.to_proto()).to_json() == data.to_json()


@pytest.mark.parametrize(
    ("data", "field", "member"),
    [
        (TimePoint(3), "time", "ts_int"),
        (TimePoint(3.0), "time", "ts_float"),
        (TimePoint(Seconds(3.0)), "time", "ts_epoch"),
        (TimePoint(ts_float=3), "time", "ts_float"),
        (TimeDuration(3), "time", "dt_int"),
        (TimeDuration(3.0), "time", "dt_float"),
        (TimeDuration("h"), "time", "dt_str"),
        (TimeDuration(Seconds(3.0)), "time", "dt_sec"),
    ],
)
def test_members(data: Any, field: str, member: str) -> None:
    assert data.which_oneof(field) == member
    assert data.to_proto().WhichOneof(field) == member
    assert list(data.to_dict()) == [member]


@pytest.mark.parametrize(
    ("number", "text"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")]
)
def test_what_is_not_finite_is_quoted(number: float, text: str) -> None:
    assert Seconds(number).to_json() == f'{{"seconds": "{text}"}}'
    assert TimePoint(number).to_dict() == {"ts_float": text}
    assert repr(Seconds.from_json(f'{{"seconds": "{text}"}}').seconds) == repr(number)
    assert repr(Seconds.from_json(f'{{"seconds": {text}}}').seconds) == repr(number)
    sequence = PointTimeSequence([TimePoint(Seconds(number)), TimePoint(Seconds(1.0))])
    for read in (
        PointTimeSequence.from_json(sequence.to_json()),
        PointTimeSequence.from_proto(sequence.to_proto()),
    ):
        assert read.to_json() == sequence.to_json()
        assert repr(read.points[0].time.seconds) == repr(number)


def test_seconds_as_datetimes() -> None:
    moment = datetime.datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=UTC)
    assert Seconds.from_datetime(moment).seconds == moment.timestamp()
    assert Seconds.from_datetime(moment).as_datetime() == moment
    assert Seconds.from_datetime(moment).as_datetime().tzinfo is UTC
    before = datetime.datetime(1901, 1, 1, 0, 0, 0, 5, tzinfo=UTC)
    assert Seconds.from_datetime(before).as_datetime() == before
    length = datetime.timedelta(days=3, microseconds=7)
    assert Seconds.from_timedelta(length).as_timedelta() == length


@pytest.mark.parametrize("kind", ["ts_int", "ts_float", "ts_epoch"])
@pytest.mark.parametrize("size", [0, 1, 200])
def test_points_over_arrays(kind: str, size: int) -> None:
    numbers = np.arange(1, size + 1, dtype="int64" if kind == "ts_int" else "float64")
    sequence = PointTimeSequence.over(kind, numbers)
    assert sequence.numbers()[1] is numbers
    message = sequence.to_proto()
    assert [point.WhichOneof("time") for point in message.points] == [kind] * size
    read = PointTimeSequence.from_proto(message)
    assert np.array_equal(read.numbers()[1], numbers)
    assert PointTimeSequence.from_json(sequence.to_json()).to_json() == sequence.to_json()
    assert len(sequence.points) == size
    assert all(isinstance(point, TimePoint) for point in sequence.points)
    assert read == sequence


def test_changed_points_count() -> None:
    sequence = PointTimeSequence.over("ts_int", np.array([1, 2]))
    sequence.points.append(TimePoint(3))
    assert [point.ts_int for point in sequence.to_proto().points] == [1, 2, 3]
    sequence.points = [TimePoint(9)]
    assert sequence.to_dict() == {"points": [{"ts_int": 9}]}


@pytest.mark.parametrize(
    "points",
    [
        '[{"ts_int": "x"}]',
        '[{"ts_epoch": 5}]',
        '[{"ts_epoch": {"other": 5}}]',
        '[{"ts_int": 1, "ts_float": 2.0}]',
        '[{"none": 1}]',
        "[5]",
        '[{"ts_int": 99999999999999999999}]',
        "5",
    ],
)
def test_points_that_are_refused(points: str) -> None:
    with pytest.raises(ValueError):
        PointTimeSequence.from_json(f'{{"points": {points}}}')


def test_points_that_are_spelled_otherwise() -> None:
    read = PointTimeSequence.from_json('{"points": [{"tsInt": "5"}, {"ts_float": 1}, {}]}')
    assert read == PointTimeSequence([TimePoint(5), TimePoint(1.0), TimePoint()])


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        (pd.Timestamp("1970-01-02"), 86400.0),
        (pd.Timestamp("1970-01-01T01:00:00+01:00"), 0.0),
        (pd.Timestamp("2024-01-01T00:00:00.123456"), 1704067200.123456),
        (pd.Timestamp("2024-01-01T00:00:00.123456789").as_unit("ns"), 1704067200.1234567),
        (pd.Timestamp("1969-12-31T23:59:59.5"), -0.5),
        (pd.Period("1970-02", freq="M"), 31 * 86400.0),
        (np.datetime64("1970-01-01T00:00:01"), 1.0),
        (np.datetime64("1970-01-01"), 0.0),
        (datetime.datetime(1970, 1, 1, 0, 1), 60.0),
        (datetime.datetime(1970, 1, 1, 0, 1, tzinfo=UTC), 60.0),
        (datetime.date(1970, 1, 2), 86400.0),
        ("1970-01-01T00:00:02", 2.0),
        (7, 7.0),
        (np.float32(0.5), 0.5),
    ],
    ids=repr,
)
def test_seconds_of_anything(moment: Any, seconds: float) -> None:
    assert pd_timestamp_to_seconds(moment) == seconds
    assert type(pd_timestamp_to_seconds(moment)) is float


def test_seconds_of_nothing() -> None:
    assert math.isnan(pd_timestamp_to_seconds(pd.NaT))
    for wrong in (None, [1], np.timedelta64(1, "s"), True):
        with pytest.raises(TypeError, match="expected a point in time"):
            pd_timestamp_to_seconds(wrong)
