"""A service as one bundle: descriptor, servicer, stub and messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from caikit.config import get_config
from caikit.runtime.engine.status import Status
from caikit.runtime.names import ServiceType, get_service_name, get_service_package_name

from ._descriptors import service_descriptor
from ._errors import runtime_error
from ._grpc import registration_function, servicer_class, stub_class
from ._messages import Messages
from ._spec import RpcSpec
from .fixed import fixed_rpcs
from .inference import inference_rpcs
from .jobs import job_rpcs
from .training import training_rpcs

__all__ = [
    "CaikitRpc",
    "RequestView",
    "ServicePackage",
    "enabled_services",
    "service_package",
    "service_rpcs",
]

_GENERATED: dict[ServiceType, Callable[[Any], list[RpcSpec]]] = {
    ServiceType.INFERENCE: inference_rpcs,
    ServiceType.JOB_INFERENCE: job_rpcs,
    ServiceType.TRAINING: training_rpcs,
}


@dataclass(frozen=True)
class RequestView:
    """The request message of an RPC."""

    name: str
    data_class: type[Any]


@dataclass(frozen=True)
class CaikitRpc:
    """An RPC and the modules behind it."""

    name: str
    request: RequestView
    task: type[Any] | None
    module_list: list[type[Any]]
    input_streaming: bool
    output_streaming: bool
    return_type: type[Any]


@dataclass(frozen=True)
class ServicePackage:
    """What a server or a client needs to know of one service."""

    service: type[Any]
    descriptor: Any
    registration_function: Callable[[Any, Any], None]
    stub_class: type[Any]
    messages: Any = None
    caikit_rpcs: Mapping[str, CaikitRpc] = field(default_factory=dict)


_packages: dict[str, tuple[list[RpcSpec], ServicePackage]] = {}


def enabled_services(config: Any | None = None) -> list[ServiceType]:
    """The generated services that the settings switch on."""
    settings = (get_config() if config is None else config).runtime.service_generation
    enabled = {
        ServiceType.INFERENCE: settings.enable_inference,
        ServiceType.JOB_INFERENCE: settings.enable_inference_jobs,
        ServiceType.TRAINING: settings.enable_training,
    }
    if enabled[ServiceType.JOB_INFERENCE] and not enabled[ServiceType.INFERENCE]:
        raise runtime_error(Status.INVALID_ARGUMENT, "Inference Jobs require enabling the Inference service")
    return [service_type for service_type, on in enabled.items() if on]


def service_rpcs(service_type: ServiceType, config: Any | None = None) -> list[RpcSpec]:
    """The RPCs of a service under a configuration, by default the one in force."""
    if service_type not in _GENERATED:
        return fixed_rpcs(service_type)
    return _GENERATED[service_type](get_config() if config is None else config)


def service_package(service_type: ServiceType) -> ServicePackage:
    """The bundle of a service; the same one as before where nothing changed."""
    specs = service_rpcs(service_type)
    package = get_service_package_name(service_type)
    full_name = f"{package}.{get_service_name(service_type)}"
    descriptor = service_descriptor(full_name, specs)
    known_specs, known = _packages.get(full_name, (None, None))
    if known is not None and known_specs == specs and known.descriptor is descriptor:
        return known
    generated = service_type in _GENERATED
    made = ServicePackage(
        service=servicer_class(descriptor, specs),
        descriptor=descriptor,
        registration_function=registration_function(descriptor, specs),
        stub_class=stub_class(descriptor, specs),
        messages=Messages(package) if generated else None,
        caikit_rpcs={spec.name: _view(spec) for spec in specs} if generated else {},
    )
    _packages[full_name] = (specs, made)
    return made


def _view(spec: RpcSpec) -> CaikitRpc:
    return CaikitRpc(
        name=spec.name,
        request=RequestView(spec.request.get_proto_class().DESCRIPTOR.name, spec.request),
        task=spec.task,
        module_list=list(spec.modules),
        input_streaming=spec.shape.input_streaming,
        output_streaming=spec.shape.output_streaming,
        return_type=spec.response,
    )
