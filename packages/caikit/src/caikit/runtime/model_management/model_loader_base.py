"""The base class of model loaders."""

from caikit.runtime.models.loading import ModelLoaderBase

__all__ = ["ModelLoaderBase"]
