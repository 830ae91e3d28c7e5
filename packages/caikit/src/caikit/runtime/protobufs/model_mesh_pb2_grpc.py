"""Stub and servicer of `mmesh.ModelMesh`."""

from __future__ import annotations

from typing import Any

from ._services import make_registration, make_servicer, make_stub
from .model_mesh_pb2 import DESCRIPTOR

__all__ = ["ModelMeshServicer", "ModelMeshStub", "add_ModelMeshServicer_to_server"]

_service = DESCRIPTOR.services_by_name["ModelMesh"]

ModelMeshStub: Any = make_stub(_service)
ModelMeshServicer: Any = make_servicer(_service)
add_ModelMeshServicer_to_server: Any = make_registration(_service)  # noqa: N816 - the name that protoc would give
