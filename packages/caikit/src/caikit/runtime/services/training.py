"""The train RPCs: one per module that can be trained."""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any

import alog

from caikit.core.data_model import DataObjectBase, DataStream
from caikit.core.modules import ModuleBase
from caikit.interfaces.common.data_model.stream_sources import S3Path
from caikit.interfaces.runtime.data_model import ModelPointer, TrainingJob
from caikit.runtime.engine.operation import Kind, Shape
from caikit.runtime.names import (
    ServiceType,
    get_service_name,
    get_service_package_name,
    get_train_parameter_name,
    get_train_request_name,
    get_train_rpc_name,
)

from ._modules import served_modules
from ._parameters import Parameter, method_parameters
from ._reports import warn_once
from ._requests import message_class
from ._spec import RpcSpec
from ._types import union_members
from .stream_sources import can_be_streamed, make_data_stream_source

if TYPE_CHECKING:
    from caikit.core.signature_parsing import CaikitMethodSignature

__all__ = ["data_stream_element", "is_model_type", "train_signature", "training_rpc", "training_rpcs"]

log = alog.use_channel("SERVICES")


def training_rpcs(config: Any) -> list[RpcSpec]:
    """All train RPCs, sorted by name."""
    named: dict[str, RpcSpec] = {}
    for module in served_modules(config):
        if not _can_be_trained(module):
            continue
        try:
            name = get_train_rpc_name(module)
        except ValueError as problem:
            warn_once(log, "<RUN35134058W>", f"{module} cannot be trained: {problem}")
            continue
        if name in named:
            taken_by = named[name].modules[0].__qualname__
            warn_once(log, "<RUN35134054W>", f"{module} cannot be trained: {name} is the RPC of {taken_by}")
            continue
        try:
            named[name] = _rpc(name, module)
        except (AttributeError, TypeError, ValueError) as problem:
            signature = train_signature(module).qualified_name
            warn_once(
                log,
                "<RUN35134056W>",
                f"{name} of {signature} is not served: no message for its request: {problem}",
            )
    return [spec for _, spec in sorted(named.items())]


def training_rpc(module: type[ModuleBase]) -> RpcSpec:
    """The train RPC of one module; ValueError if it has no task or cannot be trained."""
    if not module.tasks or not _can_be_trained(module):
        raise ValueError(
            f"{module.__qualname__} cannot be trained: expected a module with a task and a train method"
        )
    return _rpc(get_train_rpc_name(module), module)


def train_signature(module: type[ModuleBase]) -> CaikitMethodSignature:
    """The signature of a module's `train`."""
    signature: CaikitMethodSignature = module.TRAIN_SIGNATURE
    return signature


def data_stream_element(annotation: Any) -> Any | None:
    """`T` for an annotation that is, or has among its alternatives, `DataStream[T]`."""
    for member in union_members(annotation) or [annotation]:
        if typing.get_origin(member) is DataStream:
            return typing.get_args(member)[0]
    return None


def is_model_type(annotation: Any) -> bool:
    """Whether an annotation is, or has among its alternatives, a module class."""
    return any(
        inspect.isclass(member) and typing.get_origin(member) is None and issubclass(member, ModuleBase)
        for member in union_members(annotation) or [annotation]
    )


def _can_be_trained(module: type[ModuleBase]) -> bool:
    definer = next(cls for cls in module.__mro__ if "train" in vars(cls))
    return definer is not ModuleBase


def _rpc(name: str, module: type[ModuleBase]) -> RpcSpec:
    if len(module.tasks) > 1 and "TRAIN_RPC_NAME" not in vars(module):
        warn_once(
            log,
            "<RUN35134050W>",
            f"{module} has several tasks: {name} is named after the first of them; to keep that name when their "
            f"order changes, set TRAIN_RPC_NAME of the class",
        )
    package = get_service_package_name(ServiceType.TRAINING)
    return RpcSpec(
        name=name,
        service=f"{package}.{get_service_name(ServiceType.TRAINING)}",
        service_type=ServiceType.TRAINING,
        shape=Shape.UNARY,
        request=_request(package, module),
        response=TrainingJob,
        kind=Kind.TRAINING,
        task=module.tasks[0],
        modules=(module,),
    )


def _request(package: str, module: type[ModuleBase]) -> type[DataObjectBase]:
    fields = method_parameters(module, train_signature(module), _data_or_model)
    parameters = message_class(package, get_train_parameter_name(module), fields)
    return message_class(
        package,
        get_train_request_name(module),
        {
            "model_name": Parameter(str),
            "output_path": Parameter(S3Path),
            "parameters": Parameter(parameters),
        },
    )


def _data_or_model(name: str, annotation: Any) -> Parameter | None:
    element = data_stream_element(annotation)
    if element is not None and can_be_streamed(element):
        return Parameter(make_data_stream_source(element), default=None)
    if element is None and is_model_type(annotation):
        return Parameter(ModelPointer, default=None)
    return None
