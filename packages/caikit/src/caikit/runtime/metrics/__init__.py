"""Prometheus metrics of the runtime."""

from ._endpoint import MetricsEndpoint
from ._requests import RequestMetrics

__all__ = ["MetricsEndpoint", "RequestMetrics"]
