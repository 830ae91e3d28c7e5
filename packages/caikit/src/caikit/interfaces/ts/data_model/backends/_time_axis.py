"""The time of each row between pandas and messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from .._times import PeriodicTimeSequence, PointTimeSequence, Seconds, TimeDuration, TimePoint
from .util import datetimes_of, fits_64_bits, pd_timestamp_to_seconds, seconds_of


def row_numbers() -> PeriodicTimeSequence:
    """The time of rows that have none: 0, 1, 2, ..."""
    return PeriodicTimeSequence(TimePoint(0), TimeDuration(1))


def to_time_sequence(column: Any) -> PeriodicTimeSequence | PointTimeSequence:
    """The message of a column of points in time."""
    if column.dtype == "object":
        column = column.infer_objects()
    if isinstance(column.dtype, pd.PeriodDtype):
        if _is_gapless(column):
            start = Seconds(pd_timestamp_to_seconds(column.iloc[0]))
            frequency = pd.PeriodIndex(column).freqstr
            return PeriodicTimeSequence(TimePoint(start), TimeDuration(frequency))
        column = column.dt.start_time
    dtype = column.dtype
    if types.is_datetime64_any_dtype(dtype):
        return PointTimeSequence.over("ts_epoch", seconds_of(column))
    if types.is_integer_dtype(dtype) and not column.hasnans and fits_64_bits(column):
        return PointTimeSequence.over("ts_int", column.to_numpy("int64"))
    if types.is_float_dtype(dtype):
        return PointTimeSequence.over("ts_float", column.to_numpy("float64", na_value=np.nan))
    raise ValueError(
        f"expected numbers, datetimes or periods in the timestamp column {column.name!r}, got {dtype}"
    )


def to_timestamps(sequence: PeriodicTimeSequence | PointTimeSequence, rows: int) -> Any:
    """The points in time of so many rows."""
    if isinstance(sequence, PeriodicTimeSequence):
        return _periodic(sequence, rows)
    kind, numbers = sequence.numbers()
    if len(numbers) != rows:
        raise ValueError(f"expected as many points in time as rows of values, {rows}, got {len(numbers)}")
    return datetimes_of(numbers) if kind == "ts_epoch" else numbers


def is_row_numbers(sequence: Any) -> bool:
    """True for 0, 1, 2, ..."""
    return isinstance(sequence, PeriodicTimeSequence) and (_times(sequence) == (0, 1))


def _is_gapless(column: Any) -> bool:
    if column.empty or column.hasnans:
        return False
    ordinals = pd.PeriodIndex(column).asi8
    return bool((np.diff(ordinals) == column.dtype.freq.n).all())


def _times(sequence: PeriodicTimeSequence) -> tuple[Any, Any]:
    start, period = sequence.start_time, sequence.period_length
    return (start and start.time, period and period.time)


def _periodic(sequence: PeriodicTimeSequence, rows: int) -> Any:
    start, period = _times(sequence)
    if start is None or period is None:
        raise ValueError("expected a start and a length of the period in a periodic time sequence")
    if isinstance(start, Seconds):
        first = datetimes_of(np.array([start.seconds]))[0]
        if isinstance(period, str):
            return pd.period_range(pd.Timestamp(first), periods=rows, freq=period)
        if isinstance(period, Seconds):
            return datetimes_of(start.seconds + period.seconds * np.arange(rows))
        raise ValueError(
            f"expected a period in seconds or by name after a start in seconds since 1970, got {period}"
        )
    if isinstance(period, str):
        raise ValueError(f"expected a period that is a number after the start {start}, got {period!r}")
    step = period.seconds if isinstance(period, Seconds) else period
    return start + step * np.arange(rows)


__all__ = ["is_row_numbers", "row_numbers", "to_time_sequence", "to_timestamps"]
