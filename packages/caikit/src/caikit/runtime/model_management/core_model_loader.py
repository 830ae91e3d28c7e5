"""The loader that uses caikit.load."""

from caikit.runtime.models.loading import CoreModelLoader

__all__ = ["CoreModelLoader"]
