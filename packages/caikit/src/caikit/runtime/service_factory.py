"""Service packages, and the request classes of tasks and modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from caikit.core.data_model.base import DataBase

from . import names
from .names import (
    get_service_package_name,
    get_task_predict_request_name,
    get_train_parameter_name,
    get_train_request_name,
)
from .services.modules_file import check_compatibility, write_modules
from .services.package import CaikitRpc, ServicePackage, service_package

if TYPE_CHECKING:
    from caikit.core.data_model import DataObjectBase
    from caikit.core.modules import ModuleBase
    from caikit.core.task import TaskBase

__all__ = [
    "CaikitRpc",
    "ServicePackage",
    "ServicePackageFactory",
    "get_inference_request",
    "get_train_params",
    "get_train_request",
]


class ServicePackageFactory:
    """Builds the service packages of the configured library."""

    ServiceType = names.ServiceType

    @classmethod
    def get_service_package(
        cls, service_type: names.ServiceType, write_modules_file: bool = False
    ) -> ServicePackage:
        """The package of one service; asking again gives an equal package on the same descriptors."""
        if service_type in (names.ServiceType.INFERENCE, names.ServiceType.JOB_INFERENCE):
            check_compatibility()
        package = service_package(service_type)
        if write_modules_file:
            write_modules()
        return package


def get_inference_request(
    task_or_module_class: type[TaskBase] | type[ModuleBase],
    input_streaming: bool = False,
    output_streaming: bool = False,
) -> type[DataObjectBase]:
    """The request class of an inference RPC of a task, or of a module's first task."""
    name = get_task_predict_request_name(task_or_module_class, input_streaming, output_streaming)
    return _request_class(name, names.ServiceType.INFERENCE)


def get_train_request(module_class: type[ModuleBase]) -> type[DataObjectBase]:
    """The request class of a module's train RPC."""
    return _request_class(get_train_request_name(module_class), names.ServiceType.TRAINING)


def get_train_params(module_class: type[ModuleBase]) -> type[DataObjectBase]:
    """The class of the parameters in a module's train request."""
    return _request_class(get_train_parameter_name(module_class), names.ServiceType.TRAINING)


def _request_class(name: str, service_type: names.ServiceType) -> type[DataObjectBase]:
    full_name = f"{get_service_package_name(service_type)}.{name}"
    try:
        found: Any = DataBase.get_class_for_name(full_name)
    except ValueError:
        service_package(service_type)
        found = DataBase.get_class_for_name(full_name)
    request: type[DataObjectBase] = found
    return request
