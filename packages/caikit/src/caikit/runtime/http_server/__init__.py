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
    from .pydantic_wrapper import dataobject_to_pydantic, pydantic_to_dataobject

__all__ = [
    "HEALTH_ENDPOINT",
    "MODELS_INFO_ENDPOINT",
    "MODEL_MANAGEMENT_ENDPOINT",
    "RUNTIME_INFO_ENDPOINT",
    "TRAINING_MANAGEMENT_ENDPOINT",
    "RuntimeHTTPServer",
    "dataobject_to_pydantic",
    "main",
    "pydantic_to_dataobject",
]

# A program that only looks after workers needs no HTTP library.
__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "caikit.runtime.http_server.http_server": ["RuntimeHTTPServer", "main"],
        "caikit.runtime.http_server.pydantic_wrapper": ["dataobject_to_pydantic", "pydantic_to_dataobject"],
    },
    submodules=["http_server", "pydantic_wrapper"],
)
