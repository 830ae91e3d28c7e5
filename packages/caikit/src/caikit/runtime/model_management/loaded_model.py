"""A model of the runtime."""

from caikit.runtime.models import LoadedModel

__all__ = ["LoadedModel"]
