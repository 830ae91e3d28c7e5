"""Frames of time series that are made of messages."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ._columns import to_column
from ._time_axis import is_row_numbers, to_timestamps

TIMESTAMP = "timestamp"
"""The name of a timestamp column that has none of its own."""

SERIES = "_TS_RESERVED"
"""The column that numbers series without ids."""


def single_frame(series: Any) -> tuple[pd.DataFrame, str | None]:
    """The frame of one series and the name of its timestamp column."""
    if series.time_sequence is None:
        raise ValueError("expected a time sequence in a time series, got none")
    if not series.values:
        raise ValueError("expected values in a time series, got none")
    columns = [to_column(values) for values in series.values]
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        raise ValueError(f"expected columns of one length in a time series, got {lengths}")
    labels = [*(series.value_labels or [f"value_{number}" for number in range(len(columns))])]
    if len(labels) != len(columns):
        raise ValueError(f"expected a label for each of {len(columns)} columns of values, got {labels}")
    timestamp = series.timestamp_label or None
    if timestamp is None and not is_row_numbers(series.time_sequence):
        timestamp = TIMESTAMP
    if timestamp is not None:
        labels.insert(0, timestamp)
        columns.insert(0, pd.Series(to_timestamps(series.time_sequence, lengths[0])))
    if len(set(labels)) < len(labels):
        raise ValueError(f"expected labels that differ in a time series, got {labels}")
    return pd.DataFrame(dict(zip(labels, columns, strict=True))), timestamp


def joined_frame(all_series: list[Any], id_labels: list[str]) -> tuple[pd.DataFrame, str | None]:
    """The frame of several series, with their ids in front, and the name of its timestamp column."""
    if not all_series:
        raise ValueError("expected at least one time series, got none")
    labels = id_labels or ([SERIES] if len(all_series) > 1 else [])
    frames = []
    timestamps = set()
    for number, series in enumerate(all_series):
        frame, timestamp = single_frame(series)
        ids = id_values(series) if id_labels else [number]
        if labels and len(ids) != len(labels):
            raise ValueError(f"expected an id of a time series for each of {labels}, got {ids}")
        for position, (label, value) in enumerate(zip(labels, ids, strict=False)):
            frame.insert(position, label, value)
        frames.append(frame)
        timestamps.add(timestamp)
    if len(timestamps) > 1:
        raise ValueError(f"expected one timestamp label in all time series, got {timestamps}")
    return pd.concat(frames, ignore_index=True), timestamps.pop()


def id_values(series: Any) -> list[Any]:
    """What identifies a series among others."""
    return [] if series.ids is None else [*(series.ids.values or [])]


def with_timestamps(
    frame: pd.DataFrame, include: bool | None, timestamp: Any | None, keys: list[Any]
) -> pd.DataFrame:
    """The frame with a timestamp column, without one, or, for None, as it is."""
    if include and timestamp is None:
        if TIMESTAMP in frame.columns:
            raise ValueError(
                f"expected no values in a column {TIMESTAMP!r}: its name is needed for row numbers"
            )
        numbers: Any = frame.groupby(keys).cumcount() if keys else range(len(frame))
        frame = frame.copy(deep=False)
        frame.insert(len(keys), TIMESTAMP, numbers)
    elif include is False and timestamp is not None:
        frame = frame.drop(columns=[timestamp])
    else:
        frame = frame.copy(deep=False)
    return frame


__all__ = ["SERIES", "TIMESTAMP", "id_values", "joined_frame", "single_frame", "with_timestamps"]
