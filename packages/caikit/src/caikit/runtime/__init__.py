"""Serving of modules over the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caikit._lazy import lazy_attributes

if TYPE_CHECKING:
    from .service_factory import get_inference_request, get_train_params, get_train_request

__all__ = ["get_inference_request", "get_train_params", "get_train_request"]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {"caikit.runtime.service_factory": ["get_inference_request", "get_train_params", "get_train_request"]},
    submodules=["grpc_server", "http_server", "names", "service_factory"],
)
