"""Messages of `mmesh.ModelRuntime`, with which a ModelMesh controls the models of a runtime."""

from __future__ import annotations

from typing import Any

from ._files import build_file, load_file, message_classes

__all__ = [
    "DESCRIPTOR",
    "LoadModelRequest",
    "LoadModelResponse",
    "ModelSizeRequest",
    "ModelSizeResponse",
    "PredictModelSizeRequest",
    "PredictModelSizeResponse",
    "RuntimeStatusRequest",
    "RuntimeStatusResponse",
    "UnloadModelRequest",
    "UnloadModelResponse",
]

_MODEL = ("string modelId = 1", "string modelType = 2", "string modelPath = 3", "string modelKey = 4")

_FILE = build_file(
    "caikit/runtime/protobufs/model_runtime.proto",
    "mmesh",
    java_package="com.ibm.watson.modelmesh.api",
    messages={
        "LoadModelRequest": _MODEL,
        "LoadModelResponse": ("uint64 sizeInBytes = 1", "uint32 maxConcurrency = 2"),
        "UnloadModelRequest": ("string modelId = 1",),
        "UnloadModelResponse": (),
        "PredictModelSizeRequest": _MODEL,
        "PredictModelSizeResponse": ("uint64 sizeInBytes = 1",),
        "ModelSizeRequest": ("string modelId = 1",),
        "ModelSizeResponse": ("uint64 sizeInBytes = 1",),
        "RuntimeStatusRequest": (),
        "RuntimeStatusResponse": (
            "Status status = 1",
            "uint64 capacityInBytes = 2",
            "uint32 maxLoadingConcurrency = 3",
            "uint32 modelLoadingTimeoutMs = 4",
            "uint64 defaultModelSizeInBytes = 5",
            "string runtimeVersion = 6",
            "uint64 numericRuntimeVersion = 7",
            "map<string, MethodInfo> methodInfos = 8",
            "bool limitModelConcurrency = 9",
            "bool allowAnyMethod = 10",
        ),
    },
    nested={"RuntimeStatusResponse": {"MethodInfo": ("repeated uint32 idInjectionPath = 1",)}},
    enums={"RuntimeStatusResponse": {"Status": ("STARTING", "READY", "FAILING")}},
    service="ModelRuntime",
    rpcs={
        "loadModel": ("LoadModelRequest", "LoadModelResponse"),
        "unloadModel": ("UnloadModelRequest", "UnloadModelResponse"),
        "predictModelSize": ("PredictModelSizeRequest", "PredictModelSizeResponse"),
        "modelSize": ("ModelSizeRequest", "ModelSizeResponse"),
        "runtimeStatus": ("RuntimeStatusRequest", "RuntimeStatusResponse"),
    },
)

DESCRIPTOR: Any = load_file(_FILE)
_classes = message_classes(DESCRIPTOR)

LoadModelRequest: Any = _classes["LoadModelRequest"]
LoadModelResponse: Any = _classes["LoadModelResponse"]
UnloadModelRequest: Any = _classes["UnloadModelRequest"]
UnloadModelResponse: Any = _classes["UnloadModelResponse"]
PredictModelSizeRequest: Any = _classes["PredictModelSizeRequest"]
PredictModelSizeResponse: Any = _classes["PredictModelSizeResponse"]
ModelSizeRequest: Any = _classes["ModelSizeRequest"]
ModelSizeResponse: Any = _classes["ModelSizeResponse"]
RuntimeStatusRequest: Any = _classes["RuntimeStatusRequest"]
RuntimeStatusResponse: Any = _classes["RuntimeStatusResponse"]
