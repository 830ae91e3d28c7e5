"""Compares what models predict with what is right."""

from __future__ import annotations

from ._evaluation_metrics import F1Metrics, F1MetricsContainer
from ._evaluator import EvalTypes, QualityEvaluator

__all__ = ["EvalTypes", "F1Metrics", "F1MetricsContainer", "QualityEvaluator"]
