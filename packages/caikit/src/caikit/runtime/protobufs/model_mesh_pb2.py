"""Messages of `mmesh.ModelMesh`, with which the models of a ModelMesh are registered, watched and removed.

No runtime serves it: the mesh does. It is here for programs that talk to both.
"""

from __future__ import annotations

from typing import Any

from ._files import build_file, load_file, message_classes

__all__ = [
    "DESCRIPTOR",
    "EnsureLoadedRequest",
    "GetStatusRequest",
    "ModelInfo",
    "ModelStatusInfo",
    "RegisterModelRequest",
    "UnregisterModelRequest",
    "UnregisterModelResponse",
]

_FILE = build_file(
    "caikit/runtime/protobufs/model_mesh.proto",
    "mmesh",
    java_package="com.ibm.watson.modelmesh.api",
    messages={
        "RegisterModelRequest": (
            "string modelId = 1",
            "ModelInfo modelInfo = 2",
            "bool loadNow = 3",
            "bool sync = 4",
            "uint64 lastUsedTime = 5",
        ),
        "ModelInfo": ("string type = 1", "string path = 2", "string key = 3"),
        "UnregisterModelRequest": ("string modelId = 1",),
        "UnregisterModelResponse": (),
        "GetStatusRequest": ("string modelId = 1",),
        "EnsureLoadedRequest": ("string modelId = 1", "uint64 lastUsedTime = 2", "bool sync = 3"),
        "ModelStatusInfo": ("ModelStatus status = 1", "repeated string errors = 2"),
    },
    enums={
        "ModelStatusInfo": {
            "ModelStatus": ("NOT_FOUND", "NOT_LOADED", "LOADING", "LOADED", "LOADING_FAILED", "UNKNOWN")
        }
    },
    service="ModelMesh",
    rpcs={
        "registerModel": ("RegisterModelRequest", "ModelStatusInfo"),
        "unregisterModel": ("UnregisterModelRequest", "UnregisterModelResponse"),
        "getModelStatus": ("GetStatusRequest", "ModelStatusInfo"),
        "ensureLoaded": ("EnsureLoadedRequest", "ModelStatusInfo"),
    },
)

DESCRIPTOR: Any = load_file(_FILE)
_classes = message_classes(DESCRIPTOR)

EnsureLoadedRequest: Any = _classes["EnsureLoadedRequest"]
GetStatusRequest: Any = _classes["GetStatusRequest"]
ModelInfo: Any = _classes["ModelInfo"]
ModelStatusInfo: Any = _classes["ModelStatusInfo"]
RegisterModelRequest: Any = _classes["RegisterModelRequest"]
UnregisterModelRequest: Any = _classes["UnregisterModelRequest"]
UnregisterModelResponse: Any = _classes["UnregisterModelResponse"]
