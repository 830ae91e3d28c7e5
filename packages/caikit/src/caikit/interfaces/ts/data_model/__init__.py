"""Data objects for time series."""

from __future__ import annotations

from . import backends, package, time_types, timeseries, timeseries_evaluation
from .package import TS_PACKAGE
from .time_types import (
    PeriodicTimeSequence,
    PointTimeSequence,
    Seconds,
    TimeDuration,
    TimePoint,
    ValueSequence,
)
from .timeseries import SingleTimeSeries, TimeSeries
from .timeseries_evaluation import EvaluationRecord, EvaluationResult, Id

__all__ = [
    "TS_PACKAGE",
    "EvaluationRecord",
    "EvaluationResult",
    "Id",
    "PeriodicTimeSequence",
    "PointTimeSequence",
    "Seconds",
    "SingleTimeSeries",
    "TimeDuration",
    "TimePoint",
    "TimeSeries",
    "ValueSequence",
    "backends",
    "package",
    "time_types",
    "timeseries",
    "timeseries_evaluation",
]
