"""Stub and servicer of `processproto.Process`."""

from __future__ import annotations

from typing import Any

from ._services import make_registration, make_servicer, make_stub
from .process_pb2 import DESCRIPTOR

__all__ = ["ProcessServicer", "ProcessStub", "add_ProcessServicer_to_server"]

_service = DESCRIPTOR.services_by_name["Process"]

ProcessStub: Any = make_stub(_service)
ProcessServicer: Any = make_servicer(_service)
add_ProcessServicer_to_server: Any = make_registration(_service)  # noqa: N816 - the name that protoc would give
