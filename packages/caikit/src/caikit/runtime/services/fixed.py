"""The services that do not depend on modules."""

from __future__ import annotations

from caikit.core.data_model import DataObjectBase
from caikit.interfaces.runtime.data_model import (
    DeployModelRequest,
    ModelInfo,
    ModelInfoRequest,
    ModelInfoResponse,
    RuntimeInfoRequest,
    RuntimeInfoResponse,
    TrainingInfoRequest,
    TrainingStatusResponse,
    UndeployModelRequest,
)
from caikit.runtime.engine.operation import Kind, Shape
from caikit.runtime.names import ServiceType, get_service_name, get_service_package_name

from ._spec import RpcSpec

__all__ = ["fixed_rpcs"]

_Row = tuple[str, type[DataObjectBase], type[DataObjectBase]]

_RPCS: dict[ServiceType, tuple[Kind, tuple[_Row, ...]]] = {
    ServiceType.TRAINING_MANAGEMENT: (
        Kind.MANAGEMENT,
        (
            ("GetTrainingStatus", TrainingInfoRequest, TrainingStatusResponse),
            ("CancelTraining", TrainingInfoRequest, TrainingStatusResponse),
        ),
    ),
    ServiceType.INFO: (
        Kind.INFO,
        (
            ("GetRuntimeInfo", RuntimeInfoRequest, RuntimeInfoResponse),
            ("GetModelsInfo", ModelInfoRequest, ModelInfoResponse),
        ),
    ),
    ServiceType.MODEL_MANAGEMENT: (
        Kind.MANAGEMENT,
        (
            ("DeployModel", DeployModelRequest, ModelInfo),
            ("UndeployModel", UndeployModelRequest, UndeployModelRequest),
        ),
    ),
}


def fixed_rpcs(service_type: ServiceType) -> list[RpcSpec]:
    """The RPCs of INFO, TRAINING_MANAGEMENT or MODEL_MANAGEMENT."""
    kind, rows = _RPCS[service_type]
    service = f"{get_service_package_name(service_type)}.{get_service_name(service_type)}"
    return [
        RpcSpec(
            name=name,
            service=service,
            service_type=service_type,
            shape=Shape.UNARY,
            request=request,
            response=response,
            kind=kind,
        )
        for name, request, response in rows
    ]
