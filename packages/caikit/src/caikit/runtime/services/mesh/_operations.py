"""The RPCs of `mmesh.ModelRuntime` and `processproto.Process` as operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from caikit.runtime.engine.operation import Kind, Operation, Shape
from caikit.runtime.protobufs import model_runtime_pb2, process_pb2

from ._process import ProcessRuns
from ._target import Target

if TYPE_CHECKING:
    from caikit.runtime.engine.context import RequestContext
    from caikit.runtime.models import ModelStore
    from caikit.runtime.services._spec import RpcSpec

    from ._models import MeshModels
    from ._settings import MeshSettings

_Answer = Callable[["RequestContext", Any], Any]


def mesh_operations(models: MeshModels, settings: MeshSettings) -> list[Operation]:
    """The five RPCs of `mmesh.ModelRuntime`."""
    calls = _ModelRuntime(models, settings)
    return _operations(
        model_runtime_pb2.DESCRIPTOR.services_by_name["ModelRuntime"],
        {
            "loadModel": calls.load,
            "unloadModel": calls.unload,
            "predictModelSize": calls.predict_size,
            "modelSize": calls.size,
            "runtimeStatus": calls.status,
        },
    )


def process_operations(specs: Iterable[RpcSpec], store: ModelStore, config: Any) -> list[Operation]:
    """The RPC of `processproto.Process`, which trains the modules of these train RPCs."""
    runs = ProcessRuns(specs, store, config)
    return _operations(process_pb2.DESCRIPTOR.services_by_name["Process"], {"Run": runs.run})


class _ModelRuntime:
    """Answers messages of the mesh with messages."""

    def __init__(self, models: MeshModels, settings: MeshSettings) -> None:
        self._models = models
        self._settings = settings

    def load(self, context: RequestContext, request: Any) -> Any:
        target = Target.of(request)
        size = self._models.load(target, context)
        return model_runtime_pb2.LoadModelResponse(
            sizeInBytes=size, maxConcurrency=self._settings.concurrency(target.model_type)
        )

    def unload(self, context: RequestContext, request: Any) -> Any:
        self._models.unload(request.modelId, context)
        return model_runtime_pb2.UnloadModelResponse()

    def predict_size(self, context: RequestContext, request: Any) -> Any:
        target = Target.of(request)
        size = None
        if target.size_on_disk is not None:
            # The mesh wants an answer at once, and a directory may be on a network.
            size = self._settings.size_in_memory(target.model_type, target.size_on_disk)
        return model_runtime_pb2.PredictModelSizeResponse(
            sizeInBytes=self._models.estimate(target) if size is None else size
        )

    def size(self, context: RequestContext, request: Any) -> Any:
        return model_runtime_pb2.ModelSizeResponse(sizeInBytes=self._models.size(request.modelId))

    def status(self, context: RequestContext, request: Any) -> Any:
        """Who asks has just started, so what was loaded before is nobody's any more."""
        kinds, settings = model_runtime_pb2.RuntimeStatusResponse, self._settings
        return kinds(
            status=kinds.READY if self._models.start_over() else kinds.STARTING,
            capacityInBytes=settings.capacity,
            maxLoadingConcurrency=settings.max_loading_concurrency,
            modelLoadingTimeoutMs=settings.model_loading_timeout_ms,
            defaultModelSizeInBytes=settings.default_model_size,
            runtimeVersion=settings.runtime_version,
            numericRuntimeVersion=settings.numeric_runtime_version,
            methodInfos={
                method: kinds.MethodInfo(idInjectionPath=path)
                for method, path in settings.method_infos.items()
            },
            limitModelConcurrency=settings.limit_model_concurrency,
            allowAnyMethod=settings.allow_any_method,
        )


def _operations(service: Any, answers: Mapping[str, _Answer]) -> list[Operation]:
    return [
        Operation(
            name=method.name,
            service=service.full_name,
            shape=Shape.UNARY,
            request=method.input_type._concrete_class,
            response=method.output_type._concrete_class,
            work=answers[method.name],
            kind=Kind.MANAGEMENT,
        )
        for method in service.methods
    ]
