"""Prometheus metrics of the runtime."""

from ._endpoint import MetricsEndpoint
from ._requests import RequestMetrics
from ._server import ServerMetrics

__all__ = ["MetricsEndpoint", "RequestMetrics", "ServerMetrics"]
