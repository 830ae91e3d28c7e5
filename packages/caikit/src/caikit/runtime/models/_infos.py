"""What a runtime tells about its models."""

from __future__ import annotations

from caikit.interfaces.runtime.data_model import ModelInfo

from ._entry import LoadedModel


def model_info(entry: LoadedModel, path: str) -> ModelInfo:
    model = entry.peek()
    if model is None:
        return ModelInfo(name=entry.id(), loaded=False)
    return ModelInfo(
        model_path=path,
        name=entry.id(),
        size=entry.size(),
        metadata=model.public_model_info,
        loaded=True,
        module_id=model.MODULE_ID,
        module_metadata=model.module_metadata,
    )
