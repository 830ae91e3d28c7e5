"""The HTTP server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caikit._lazy import lazy_attributes
from caikit.runtime.names import (
    HEALTH_ENDPOINT,
    MODEL_MANAGEMENT_ENDPOINT,
    MODELS_INFO_ENDPOINT,
    RUNTIME_INFO_ENDPOINT,
    TRAINING_MANAGEMENT_ENDPOINT,
)

if TYPE_CHECKING:
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

# A program that only looks after workers needs no HTTP library.
__getattr__, __dir__ = lazy_attributes(
    __name__,
    {"caikit.runtime.http_server.http_server": ["RuntimeHTTPServer", "main"]},
    submodules=["http_server"],
)
