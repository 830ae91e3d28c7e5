"""Points in time between pandas and seconds since 1970; a time without a zone counts as UTC."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

_LARGEST = 2**63 - 1
_FARTHEST_SECONDS = 9.2e12
"""What 64 bits of microseconds hold."""


_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""Of a second, for each resolution that pandas has."""


def pd_timestamp_to_seconds(ts: Any) -> float:
    """Seconds since 1970 of a timestamp, a datetime, the start of a period or ISO text; numbers are seconds."""
    if np.ndim(ts) == 0 and np.asarray(ts).dtype.kind in "iuf":
        return float(ts)
    if isinstance(ts, pd.Period):
        ts = ts.start_time
    elif not isinstance(ts, (datetime.date, np.datetime64, str)) and ts is not pd.NaT:
        raise TypeError(f"expected a point in time, got {type(ts).__name__}")
    return float(seconds_of(pd.Series(pd.DatetimeIndex([ts])))[0])


def seconds_of(column: Any) -> Any:
    """Seconds since 1970 of a column of datetimes, NaN for what is missing."""
    times = without_zone(column).to_numpy()
    missing = np.isnat(times)
    ticks = _TICKS[np.datetime_data(times.dtype)[0]]
    # Apart: ticks since 1970 have more digits than a float.
    whole, rest = np.divmod(times.astype("int64"), ticks)
    seconds = whole.astype("float64") + rest / ticks
    seconds[missing] = np.nan
    return seconds


def datetimes_of(seconds: Any) -> Any:
    """Datetimes, to the microsecond, of an array of seconds since 1970."""
    missing = np.isnan(seconds)
    if (np.abs(seconds) > _FARTHEST_SECONDS).any():
        raise ValueError(f"expected at most {_FARTHEST_SECONDS:.1e} seconds since 1970, got {seconds.max()}")
    ticks = np.rint(np.where(missing, 0.0, seconds) * 1e6).astype("int64").astype("datetime64[us]")
    ticks[missing] = np.datetime64("NaT")
    return ticks


def fits_64_bits(column: Any) -> bool:
    """False if the column has unsigned numbers that are too large for 64 bits with a sign."""
    return column.empty or not types.is_unsigned_integer_dtype(column.dtype) or column.max() <= _LARGEST


def without_zone(column: Any) -> Any:
    """The column in UTC, as pandas has it for times without a zone."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column.dt.tz_convert("UTC").dt.tz_localize(None)
    return column


__all__ = ["datetimes_of", "fits_64_bits", "pd_timestamp_to_seconds", "seconds_of", "without_zone"]
