"""Equality of frames by what they hold: types of columns and the order of columns and rows do not count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from .util import without_zone


def same_frame(left: Any, right: Any, left_timestamp: Any | None, right_timestamp: Any | None) -> bool:
    """True if both have equal columns after both are sorted by their timestamps."""
    if len(left) != len(right) or (left_timestamp is None) != (right_timestamp is None):
        return False
    if left_timestamp is not None and str(left_timestamp) != str(right_timestamp):
        return False
    ours, theirs = _columns(left, left_timestamp), _columns(right, right_timestamp)
    return ours.keys() == theirs.keys() and all(_same_column(ours[name], theirs[name]) for name in ours)


def _columns(frame: Any, timestamp: Any | None) -> dict[str, Any]:
    if timestamp is not None:
        frame = frame.sort_values(timestamp, kind="stable")
    return {str(name): _comparable(frame[name]) for name in frame.columns}


def _comparable(column: Any) -> Any:
    if isinstance(column.dtype, pd.PeriodDtype):
        return column.dt.start_time
    return without_zone(column)


def _same_column(left: Any, right: Any) -> bool:
    if types.is_numeric_dtype(left.dtype) and types.is_numeric_dtype(right.dtype):
        missing = left.isna().to_numpy()
        if not np.array_equal(missing, right.isna().to_numpy()):
            return False
        return bool((left.to_numpy()[~missing] == right.to_numpy()[~missing]).all())
    if types.is_datetime64_dtype(left.dtype) and types.is_datetime64_dtype(right.dtype):
        return np.array_equal(left.to_numpy(), right.to_numpy(), equal_nan=True)
    return all(map(_same_cell, left.tolist(), right.tolist()))


def _is_numeric(cell: Any) -> bool:
    return isinstance(cell, np.ndarray) and cell.dtype.kind in "iuf"


def _same_cell(left: Any, right: Any) -> bool:
    if isinstance(left, (list, tuple, np.ndarray)) and isinstance(right, (list, tuple, np.ndarray)):
        if _is_numeric(left) and _is_numeric(right):
            return np.array_equal(left, right, equal_nan=True)
        return len(left) == len(right) and all(map(_same_cell, left, right))
    missing = [bool(np.ndim(cell) == 0 and pd.isna(cell)) for cell in (left, right)]
    return all(missing) if any(missing) else bool(left == right)


__all__ = ["same_frame"]
