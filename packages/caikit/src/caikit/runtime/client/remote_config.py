"""What is known about a remote model before there is an object for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import alog

from caikit.core.exceptions import error_handler
from caikit.core.modules import ModuleBase, ModuleConfig
from caikit.core.registries import module_registry
from caikit.core.signature_parsing import CaikitMethodSignature
from caikit.interfaces.common.data_model import ConnectionInfo
from caikit.interfaces.runtime.data_model import TrainingJob
from caikit.runtime.engine import Shape
from caikit.runtime.names import (
    ServiceType,
    get_service_package_name,
    get_task_predict_request_name,
    get_task_predict_rpc_name,
    get_train_request_name,
    get_train_rpc_name,
)
from caikit.runtime.services._types import element_type, is_data_object, union_members

if TYPE_CHECKING:
    from caikit.core.task import TaskBase

__all__ = ["RemoteModuleConfig", "RemoteRPCDescriptor"]

log = alog.use_channel("RMTCONFIG")
error = error_handler.get(log)

_SUFFIX = "-remote"


@dataclass(frozen=True)
class RemoteRPCDescriptor:
    """One method of a module, and the RPC that stands for it; messages are named in full."""

    signature: CaikitMethodSignature
    request_dm_name: str
    response_dm_name: str
    rpc_name: str
    input_streaming: bool = False
    output_streaming: bool = False
    task_parameters: tuple[str, ...] = ()
    """The parameters that the task asks for, the streamed ones if the input is streamed."""

    @property
    def shape(self) -> Shape:
        return Shape.of(self.input_streaming, self.output_streaming)


class RemoteModuleConfig(ModuleConfig):
    """The configuration of a model on another server."""

    connection: ConnectionInfo
    protocol: str
    model_key: str
    task_methods: list[tuple[type[TaskBase], list[RemoteRPCDescriptor]]]
    train_method: RemoteRPCDescriptor | None
    model_path: str
    module_id: str
    module_name: str
    metadata: Mapping[str, str] | None
    token_file: str | None

    # The path is the model's name on the server, so it is an ordinary key.
    reserved_keys: list[str] = []

    @classmethod
    def load_from_module(
        cls,
        module_reference: str | type[ModuleBase] | ModuleBase,
        connection_info: ConnectionInfo,
        protocol: str,
        model_key: str,
        model_path: str,
        *,
        metadata: Mapping[str, str] | None = None,
        token_file: str | None = None,
    ) -> RemoteModuleConfig:
        """The configuration of a remote model whose module is known here.

        Args:
            module_reference: id, class or instance of the module; `KeyError` if the id is not known
            connection_info: where the model is served
            protocol: `grpc` or `http`
            model_key: name of the metadata that tells the model over gRPC
            model_path: name of the model on the server
            metadata: goes with every call, as metadata or headers
            token_file: file with a token for the header `authorization`, read again when it changes
        """
        module = _module_class(module_reference)
        return cls(
            {
                "connection": connection_info,
                "protocol": protocol,
                "model_key": model_key,
                "task_methods": _task_methods(module),
                "train_method": _train_method(module),
                "model_path": model_path,
                "module_id": f"{module.MODULE_ID}{_SUFFIX}",
                "module_name": f"{module.MODULE_NAME} Remote",
                "metadata": dict(metadata) if metadata else None,
                "token_file": token_file,
            }
        )


def _module_class(module_reference: str | type[ModuleBase] | ModuleBase) -> type[ModuleBase]:
    error.type_check("<COR44913410E>", str, type, ModuleBase, module_reference=module_reference)
    if isinstance(module_reference, ModuleBase):
        return type(module_reference)
    if not isinstance(module_reference, str):
        error.subclass_check("<COR44913411E>", module_reference, ModuleBase)
        return module_reference
    registered = module_registry()
    # A server may have the model from yet another server.
    found = registered.get(module_reference.removesuffix(_SUFFIX)) or registered.get(module_reference)
    if found is None:
        error("<COR44913412E>", KeyError(f"Unknown module reference {module_reference}"))
    return found


def _task_methods(module: type[ModuleBase]) -> list[tuple[type[TaskBase], list[RemoteRPCDescriptor]]]:
    return [(task, _methods(module, task)) for task in module.tasks]


def _methods(module: type[ModuleBase], task: type[TaskBase]) -> list[RemoteRPCDescriptor]:
    package = get_service_package_name(ServiceType.INFERENCE)
    methods = []
    for input_streaming, output_streaming, signature in module.get_inference_signatures(task) or ():
        response = _response(signature.return_type, output_streaming)
        if response is None:
            log.debug("%s returns no data object, so no server offers it", signature.qualified_name)
            continue
        request_name = get_task_predict_request_name(task, input_streaming, output_streaming)
        methods.append(
            RemoteRPCDescriptor(
                signature=signature,
                request_dm_name=f"{package}.{request_name}",
                response_dm_name=response,
                rpc_name=get_task_predict_rpc_name(task, input_streaming, output_streaming),
                input_streaming=input_streaming,
                output_streaming=output_streaming,
                task_parameters=tuple(task.get_required_parameters(input_streaming)),
            )
        )
    return methods


def _response(returned: Any, output_streaming: bool) -> str | None:
    candidates = union_members(returned) or [returned]
    if output_streaming:
        elements = [element for element in map(element_type, candidates) if element is not None]
        candidates = [member for element in elements for member in (union_members(element) or [element])]
    return next((candidate.full_name for candidate in candidates if is_data_object(candidate)), None)


def _train_method(module: type[ModuleBase]) -> RemoteRPCDescriptor | None:
    definer = next(cls for cls in module.__mro__ if "train" in vars(cls))
    if definer is ModuleBase or not module.tasks:
        return None
    return RemoteRPCDescriptor(
        signature=module.TRAIN_SIGNATURE,
        request_dm_name=f"{get_service_package_name(ServiceType.TRAINING)}.{get_train_request_name(module)}",
        response_dm_name=TrainingJob.full_name,
        rpc_name=get_train_rpc_name(module),
    )
