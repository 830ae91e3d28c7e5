"""Data objects and tasks for time series."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("pandas") is None or find_spec("numpy") is None:
    raise ImportError("Time series need pandas: install caikit[interfaces-ts]", name="pandas")

from . import data_model, tasks

__all__ = ["data_model", "tasks"]
