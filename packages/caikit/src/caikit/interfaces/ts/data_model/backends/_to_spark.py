"""Frames of Spark over time series."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ._columns import vectors_of
from .spark_util import is_spark, require_pyspark, to_spark


def as_spark(series: Any, include_timestamps: bool | None, **options: Any) -> Any:
    """The Spark frame behind the series if nothing has to be added, otherwise one that is made of its rows."""
    require_pyspark()
    backend = series._frame_backend()
    if backend is not None and is_spark(backend.data):
        timestamp = backend.selection.timestamp
        adds = (include_timestamps and timestamp is None) or any(options.values())
        if not adds:
            drops = include_timestamps is False
            columns = [c for c in backend.selection.all if not (drops and c == timestamp)]
            return to_spark(backend.data).select(*columns)
    return to_spark(_storable(series.as_pandas(include_timestamps=include_timestamps, **options)))


def _storable(frame: pd.DataFrame) -> Any:
    """Spark knows neither periods nor lists of several types of numbers."""
    columns = {name: _storable_column(frame[name]) for name in frame.columns}
    return pd.DataFrame(columns)


def _storable_column(column: Any) -> Any:
    if isinstance(column.dtype, pd.PeriodDtype):
        return column.dt.start_time
    if column.dtype == "object":
        vectors = vectors_of(column.tolist())
        return column if vectors is None else pd.Series([vector.data for vector in vectors])
    return column


__all__ = ["as_spark"]
