"""The base class of model sizers."""

from caikit.runtime.models.sizing import ModelSizerBase

__all__ = ["ModelSizerBase"]
