"""The sizer with a factor per model type."""

from caikit.runtime.models.sizing import ModelMeshModelSizer

__all__ = ["ModelMeshModelSizer"]
