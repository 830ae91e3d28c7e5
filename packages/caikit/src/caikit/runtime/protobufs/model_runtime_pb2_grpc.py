"""Stub and servicer of `mmesh.ModelRuntime`."""

from __future__ import annotations

from typing import Any

from ._services import make_registration, make_servicer, make_stub
from .model_runtime_pb2 import DESCRIPTOR

__all__ = ["ModelRuntimeServicer", "ModelRuntimeStub", "add_ModelRuntimeServicer_to_server"]

_service = DESCRIPTOR.services_by_name["ModelRuntime"]

ModelRuntimeStub: Any = make_stub(_service)
ModelRuntimeServicer: Any = make_servicer(_service)
add_ModelRuntimeServicer_to_server: Any = make_registration(_service)  # noqa: N816 - the name that protoc would give
