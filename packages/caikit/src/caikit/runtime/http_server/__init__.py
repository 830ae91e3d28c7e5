"""The HTTP server."""

from caikit.runtime.names import (
    HEALTH_ENDPOINT,
    MODEL_MANAGEMENT_ENDPOINT,
    MODELS_INFO_ENDPOINT,
    RUNTIME_INFO_ENDPOINT,
    TRAINING_MANAGEMENT_ENDPOINT,
)

from .http_server import RuntimeHTTPServer, main

__all__ = [
    "HEALTH_ENDPOINT",
    "MODELS_INFO_ENDPOINT",
    "MODEL_MANAGEMENT_ENDPOINT",
    "RUNTIME_INFO_ENDPOINT",
    "TRAINING_MANAGEMENT_ENDPOINT",
    "RuntimeHTTPServer",
    "main",
]
