"""The factories of model loaders and sizers."""

from caikit.runtime.models.loading import model_loader_factory
from caikit.runtime.models.sizing import model_sizer_factory

__all__ = ["model_loader_factory", "model_sizer_factory"]
