"""Frames of Spark, without loading Spark before somebody uses it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

HAVE_PYSPARK = find_spec("pyspark") is not None


def is_spark(data: Any) -> bool:
    """True for frames and columns of Spark, also for those that Spark shows as pandas."""
    return any(cls.__module__.partition(".")[0] == "pyspark" for cls in type(data).__mro__)


def to_pandas(data: Any) -> Any:
    """All rows of a Spark frame."""
    return data.to_pandas() if hasattr(data, "to_pandas") else data.toPandas()


def to_spark(data: Any) -> Any:
    """A Spark frame of a frame of pandas, or of a Spark frame that is shown as pandas."""
    if is_spark(data):
        return data.to_spark() if hasattr(data, "to_spark") else data
    require_pyspark()
    session = import_module("pyspark.sql").SparkSession.builder.getOrCreate()
    return session.createDataFrame(data)


def row_count_of(data: Any) -> int:
    """Rows of a Spark frame."""
    return len(data) if hasattr(data, "to_spark") else int(data.count())


def require_pyspark() -> None:
    """Say which extra is missing."""
    if not HAVE_PYSPARK:
        raise NotImplementedError("Spark frames need pyspark: install caikit[interfaces-ts-pyspark]")


def iteritems_workaround(series: Any, force_list: bool = False) -> Iterable[Any]:
    """The values of a column; columns of Spark cannot be iterated over, so theirs come as a list."""
    if force_list or is_spark(series):
        return [*(series.to_list() if hasattr(series, "to_list") else series)]
    values: Iterable[Any] = series
    return values


__all__ = [
    "HAVE_PYSPARK",
    "is_spark",
    "iteritems_workaround",
    "require_pyspark",
    "row_count_of",
    "to_pandas",
    "to_spark",
]
