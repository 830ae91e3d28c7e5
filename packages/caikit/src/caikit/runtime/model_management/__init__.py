"""Loading, sizing and management of the models of a runtime."""

from caikit.runtime.models.loading import ModelLoaderBase, model_loader_factory
from caikit.runtime.models.sizing import ModelSizerBase, model_sizer_factory

__all__ = ["ModelLoaderBase", "ModelSizerBase", "model_loader_factory", "model_sizer_factory"]
