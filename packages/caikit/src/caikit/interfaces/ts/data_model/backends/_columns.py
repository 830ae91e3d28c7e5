"""Columns of a frame between pandas and messages."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from .._arrays import NumberList
from .._values import ValueSequence, Vector
from .util import fits_64_bits, without_zone

_ZONE = re.compile(r"[T ].*(Z|[+-][0-9:]+)$")


def to_sequence(column: Any) -> ValueSequence:
    """The message of a column; its type decides about the member."""
    dtype = column.dtype
    if isinstance(dtype, pd.PeriodDtype):
        column = column.dt.start_time
    if types.is_datetime64_any_dtype(column.dtype):
        return ValueSequence(ValueSequence.TimePointSequence(_iso_texts(column)))
    if types.is_integer_dtype(dtype) and not column.hasnans and fits_64_bits(column):
        return ValueSequence(ValueSequence.IntValueSequence.over(column.to_numpy("int64")))
    if types.is_float_dtype(dtype):
        numbers = column.to_numpy("float64", na_value=np.nan)
        return ValueSequence(ValueSequence.FloatValueSequence.over(numbers))
    if isinstance(dtype, pd.StringDtype) and not column.hasnans:
        return ValueSequence(ValueSequence.StrValueSequence(column.tolist()))
    cells = column.tolist()
    vectors = vectors_of(cells)
    if vectors is not None:
        return ValueSequence(ValueSequence.VectorValueSequence(vectors))
    return ValueSequence(ValueSequence.AnyValueSequence(cells))


def to_column(values: ValueSequence) -> Any:
    """The column in a message."""
    sequence: Any = values.sequence
    if sequence is None:
        raise ValueError("expected values in each column of a time series, got none in one of them")
    if isinstance(sequence, NumberList):
        return pd.Series(sequence.as_array())
    cells = sequence.values or []
    if isinstance(sequence, ValueSequence.TimePointSequence):
        return pd.Series(_datetimes(cells))
    if isinstance(sequence, ValueSequence.StrValueSequence):
        # Not a column of objects, which is what older releases of pandas make of texts.
        column = pd.Series(cells)
        return column if isinstance(column.dtype, pd.StringDtype) else column.astype("string")
    if isinstance(sequence, ValueSequence.VectorValueSequence):
        return pd.Series([vector.as_array() for vector in cells], dtype="object")
    truths = bool(cells) and set(map(type, cells)) == {bool}
    return pd.Series(cells, dtype="bool" if truths else "object")


def row_count(values: ValueSequence) -> int:
    """Rows of a column in a message."""
    sequence: Any = values.sequence
    if sequence is None:
        return 0
    cells = sequence.numbers() if isinstance(sequence, NumberList) else sequence.values
    return 0 if cells is None else len(cells)


def _iso_texts(column: Any) -> list[str]:
    times = without_zone(column).to_numpy()
    for unit in ("us", "s"):
        coarser = times.astype(f"datetime64[{unit}]")
        times = coarser if np.array_equal(coarser, times, equal_nan=True) else times
    texts = np.datetime_as_string(times)
    if column.dtype.kind == "M" and getattr(column.dtype, "tz", None) is not None:
        texts = np.where(np.isnat(times), texts, np.char.add(texts, "+00:00"))
    texts_list: list[str] = texts.tolist()
    return texts_list


def _datetimes(texts: list[str]) -> Any:
    """Times in UTC, without a zone if none of the texts has one."""
    zoned = any(map(_ZONE.search, texts))
    return pd.to_datetime(texts, format="ISO8601", utc=zoned)


def vectors_of(cells: list[Any]) -> list[Vector] | None:
    """The cells as vectors, None if one of them is no list of numbers."""
    if not cells or not isinstance(cells[0], (list, tuple, np.ndarray)):
        return None
    vectors = []
    for cell in cells:
        numbers = _numbers(cell)
        if numbers is None:
            return None
        vectors.append(Vector.over(numbers))
    return vectors


def _numbers(cell: Any) -> Any:
    if not isinstance(cell, (list, tuple, np.ndarray)):
        return None
    try:
        numbers = np.asarray(cell)
    except ValueError:
        return None
    if numbers.ndim != 1 or numbers.dtype.kind not in "iuf":
        return None
    return numbers.astype("float64", copy=False)


__all__ = ["row_count", "to_column", "to_sequence", "vectors_of"]
