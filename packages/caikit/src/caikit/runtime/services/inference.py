"""The inference RPCs: one per task and streaming flavour that at least one module implements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import alog

from caikit.core.data_model import DataObjectBase
from caikit.runtime.engine.operation import Kind, Shape
from caikit.runtime.names import (
    ServiceType,
    get_service_name,
    get_service_package_name,
    get_task_predict_request_name,
    get_task_predict_rpc_name,
)

from ._modules import served_modules, task_is_served
from ._parameters import Parameter, method_parameters
from ._reports import warn_once
from ._requests import message_class
from ._spec import RpcSpec
from ._types import element_type, field_annotation, is_data_object, union_members

if TYPE_CHECKING:
    from caikit.core.modules import ModuleBase
    from caikit.core.signature_parsing import CaikitMethodSignature
    from caikit.core.task import TaskBase

__all__ = ["inference_rpcs"]

log = alog.use_channel("SERVICES")


def inference_rpcs(config: Any) -> list[RpcSpec]:
    """All inference RPCs, sorted by name; what cannot be served is logged and left out."""
    implementers: dict[tuple[type[TaskBase], Shape], list[_Method]] = {}
    for module in served_modules(config):
        for task in module.tasks:
            if task_is_served(task, config):
                for shape, method in _methods(module, task).items():
                    implementers.setdefault((task, shape), []).append(method)
    named: dict[str, RpcSpec | None] = {}
    for (task, shape), methods in implementers.items():
        name = get_task_predict_rpc_name(task, shape.input_streaming, shape.output_streaming)
        if name in named:
            warn_once(log, "<RUN35134053W>", f"{name} is not served for {task}: the name is taken")
        else:
            named[name] = _rpc(name, task, shape, methods)
    return [spec for _, spec in sorted(named.items()) if spec is not None]


@dataclass(frozen=True, slots=True)
class _Method:
    """A module's method for one task and flavour."""

    module: type[ModuleBase]
    signature: CaikitMethodSignature

    def __str__(self) -> str:
        return self.signature.qualified_name


@dataclass(slots=True)
class _Merged:
    """What the modules agree on so far; the first one to mention something decides."""

    response: type[DataObjectBase]
    fields: dict[str, Parameter]
    modules: list[type[ModuleBase]]


def _methods(module: type[ModuleBase], task: type[TaskBase]) -> dict[Shape, _Method]:
    methods: dict[Shape, _Method] = {}
    for input_streaming, output_streaming, signature in module.get_inference_signatures(task) or ():
        methods.setdefault(Shape.of(input_streaming, output_streaming), _Method(module, signature))
    return methods


def _rpc(name: str, task: type[TaskBase], shape: Shape, methods: list[_Method]) -> RpcSpec | None:
    merged: _Merged | None = None
    for method in methods:
        merged = _merge(merged, method, task, shape, name)
    if merged is None:
        return None
    package = get_service_package_name(ServiceType.INFERENCE)
    request_name = get_task_predict_request_name(task, shape.input_streaming, shape.output_streaming)
    try:
        request = message_class(package, request_name, merged.fields)
    except (AttributeError, TypeError, ValueError) as problem:
        modules = ", ".join(str(method) for method in methods)
        warn_once(
            log, "<RUN35134055W>", f"{name} of {modules} is not served: no message for its request: {problem}"
        )
        return None
    return RpcSpec(
        name=name,
        service=f"{package}.{get_service_name(ServiceType.INFERENCE)}",
        service_type=ServiceType.INFERENCE,
        shape=shape,
        request=request,
        response=merged.response,
        kind=Kind.INFERENCE,
        task=task,
        modules=tuple(merged.modules),
        left_out=tuple(method.module for method in methods if method.module not in merged.modules),
    )


def _merge(
    merged: _Merged | None, method: _Method, task: type[TaskBase], shape: Shape, rpc: str
) -> _Merged | None:
    """Adds a module's method; a method that contradicts the ones before it is not served by this RPC."""
    response = _response(method.signature.return_type, shape)
    if response is None:
        warn_once(log, "<RUN35134051W>", f"{method} is not served by {rpc}: it returns no data object")
        return merged
    fields = _fields(method, task, shape)
    lost = [name for name in task.get_required_parameters(shape.input_streaming) if name not in fields]
    if lost:
        names = ", ".join(lost)
        warn_once(
            log, "<RUN35134056W>", f"{method} is not served by {rpc}: its input {names} has no message type"
        )
        return merged
    if merged is None:
        return _Merged(response, fields, [method.module])
    problem = _contradiction(merged, response, fields)
    if problem:
        warn_once(log, "<RUN35134052W>", f"{method} is not served by {rpc}: {problem}")
        return merged
    for name, field in fields.items():
        known = merged.fields.get(name)
        merged.fields[name] = known if known is not None and not field.has_default else field
    merged.modules.append(method.module)
    return merged


def _contradiction(
    merged: _Merged, response: type[DataObjectBase], fields: dict[str, Parameter]
) -> str | None:
    if response is not merged.response:
        return f"expected return type {merged.response.__qualname__}, got {response.__qualname__}"
    for name, field in fields.items():
        known = merged.fields.get(name)
        if known is not None and known.annotation != field.annotation:
            return (
                f"expected type {known.annotation} for parameter '{name}' "
                f"as in {merged.modules[0].__qualname__}, got {field.annotation}"
            )
    return None


def _fields(method: _Method, task: type[TaskBase], shape: Shape) -> dict[str, Parameter]:
    declared = task.get_required_parameters(shape.input_streaming)

    def as_declared(name: str, annotation: Any) -> Parameter | None:
        if name not in declared:
            return None
        wanted = element_type(declared[name]) if shape.input_streaming else declared[name]
        converted = field_annotation(wanted, name)
        return None if converted is None else Parameter(converted)

    return method_parameters(method.module, method.signature, as_declared)


def _response(returned: Any, shape: Shape) -> type[DataObjectBase] | None:
    """The data object that a method returns; for streams, that of their elements."""
    candidates = union_members(returned) or [returned]
    if shape.output_streaming:
        elements = [element for element in map(element_type, candidates) if element is not None]
        candidates = [member for element in elements for member in (union_members(element) or [element])]
    return next((candidate for candidate in candidates if is_data_object(candidate)), None)
