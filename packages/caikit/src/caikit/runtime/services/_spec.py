"""The description of one RPC, before there is code that answers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from caikit.core.data_model import DataObjectBase
from caikit.runtime.engine.operation import Kind, Shape
from caikit.runtime.names import ServiceType

if TYPE_CHECKING:
    from caikit.core.modules import ModuleBase
    from caikit.core.task import TaskBase

__all__ = ["RpcSpec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcSpec:
    """One RPC: its names, messages and the modules that answer it (in ascending order of module id)."""

    name: str
    service: str
    service_type: ServiceType
    shape: Shape
    request: type[DataObjectBase]
    response: type[DataObjectBase]
    kind: Kind
    task: type[TaskBase] | None = None
    modules: tuple[type[ModuleBase], ...] = ()
    left_out: tuple[type[ModuleBase], ...] = ()
    """Modules that have a method for this RPC, but one that contradicts its messages."""

    @property
    def grpc_path(self) -> str:
        return f"/{self.service}/{self.name}"
