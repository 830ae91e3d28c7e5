"""Frames of time series that are made of fields."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from caikit.interfaces.ts.data_model import (
    PeriodicTimeSequence,
    PointTimeSequence,
    Seconds,
    SingleTimeSeries,
    TimeDuration,
    TimePoint,
    TimeSeries,
    ValueSequence,
)


def periodic(start: Any, length: Any) -> PeriodicTimeSequence:
    return PeriodicTimeSequence(TimePoint(start), TimeDuration(length))


def ints(*numbers: int) -> ValueSequence:
    return ValueSequence(ValueSequence.IntValueSequence(list(numbers)))


def message(**fields: Any) -> SingleTimeSeries:
    given = {
        "time_sequence": periodic(0, 1),
        "values": [ints(1, 2, 3)],
        "timestamp_label": "t",
        "value_labels": ["v"],
    }
    return SingleTimeSeries(**given | fields)


@pytest.mark.parametrize(
    ("start", "length", "times"),
    [
        (0, 1, [0, 1, 2]),
        (10, 5, [10, 15, 20]),
        (10, -5, [10, 5, 0]),
        (0.5, 0.25, [0.5, 0.75, 1.0]),
        (1, 0.5, [1.0, 1.5, 2.0]),
        (1, Seconds(2.0), [1.0, 3.0, 5.0]),
        (Seconds(60.0), Seconds(0.5), [pd.Timestamp(s, unit="s") for s in (60, 60.5, 61)]),
        (Seconds(86400.0), "D", [pd.Period(f"1970-01-0{day}", "D") for day in (2, 3, 4)]),
    ],
    ids=repr,
)
def test_periodic_times(start: Any, length: Any, times: list[Any]) -> None:
    series = message(time_sequence=periodic(start, length))
    assert series.as_pandas().t.tolist() == times
    assert SingleTimeSeries.from_proto(series.to_proto()) == series


def test_points_without_a_label_are_called_timestamp() -> None:
    series = message(time_sequence=periodic(10, 5), timestamp_label="")
    assert series.as_pandas().to_dict("list") == {"timestamp": [10, 15, 20], "v": [1, 2, 3]}
    assert list(series.as_pandas(include_timestamps=False)) == ["v"]
    assert list(message(timestamp_label="").as_pandas()) == ["v"]


def test_values_without_labels() -> None:
    series = message(value_labels=[], values=[ints(1), ints(2)])
    assert list(series.as_pandas()) == ["t", "value_0", "value_1"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"time_sequence": None}, "expected a time sequence in a time series, got none"),
        ({"values": []}, "expected values in a time series, got none"),
        ({"values": None}, "expected values in a time series, got none"),
        ({"values": [ValueSequence()]}, "expected values in each column"),
        (
            {"values": [ints(1), ints(1, 2)], "value_labels": ["a", "b"]},
            r"columns of one length .*, got \[1, 2\]",
        ),
        ({"value_labels": ["a", "b"]}, r"a label for each of 1 columns of values, got \['a', 'b'\]"),
        ({"value_labels": ["t"]}, "expected labels that differ"),
        (
            {"time_sequence": PointTimeSequence([TimePoint(1)])},
            "as many points in time as rows of values, 3, got 1",
        ),
        ({"time_sequence": PointTimeSequence([])}, "as many points in time as rows of values, 3, got 0"),
        (
            {"time_sequence": PointTimeSequence([TimePoint(1), TimePoint(Seconds(1.0)), TimePoint(2)])},
            "points in time of one kind",
        ),
        ({"time_sequence": PointTimeSequence([TimePoint()] * 3)}, "points in time of one kind"),
        ({"time_sequence": PointTimeSequence([TimePoint(Seconds(1e300))] * 3)}, "seconds since 1970"),
        ({"time_sequence": periodic(1, "D")}, "a period that is a number after the start 1, got 'D'"),
        ({"time_sequence": periodic(Seconds(1.0), 1)}, "a period in seconds or by name"),
        ({"time_sequence": periodic(Seconds(1.0), "nonsense")}, "Invalid frequency: nonsense"),
        ({"time_sequence": PeriodicTimeSequence()}, "a start and a length of the period"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_messages_that_make_no_frame(fields: dict[str, Any], words: str) -> None:
    series = message(**fields)
    for each in (series, SingleTimeSeries.from_proto(series.to_proto()), TimeSeries(timeseries=series)):
        with pytest.raises(ValueError, match=words):
            each.as_pandas()


def test_several_series_that_make_no_frame() -> None:
    with pytest.raises(ValueError, match="expected at least one time series"):
        TimeSeries(timeseries=[]).as_pandas()
    with pytest.raises(ValueError, match=r"expected an id of a time series for each of \['k'\], got \[\]"):
        TimeSeries(timeseries=[message()], id_labels=["k"]).as_pandas()
    with pytest.raises(ValueError, match="expected one timestamp label in all time series"):
        TimeSeries(timeseries=[message(), message(timestamp_label="u")]).as_pandas()
