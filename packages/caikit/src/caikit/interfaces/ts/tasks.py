"""Tasks on time series."""

from __future__ import annotations

from caikit.core import TaskBase, task

from .data_model import EvaluationResult, TimeSeries


@task(unary_parameters={"X": TimeSeries}, unary_output_type=TimeSeries)
class AnomalyDetectionTask(TaskBase):
    """Finds the unusual in time series."""


@task(unary_parameters={"targets": TimeSeries, "predictions": TimeSeries}, unary_output_type=EvaluationResult)
class EvaluationTask(TaskBase):
    """Measures predictions against what came true."""


@task(unary_parameters={"X": TimeSeries}, unary_output_type=TimeSeries)
class ForecastingTask(TaskBase):
    """Continues time series."""


@task(unary_parameters={"X": TimeSeries}, unary_output_type=TimeSeries)
class TransformersTask(TaskBase):
    """Makes time series of time series."""


__all__ = ["AnomalyDetectionTask", "EvaluationTask", "ForecastingTask", "TransformersTask"]
