"""The sizer that adds up file sizes."""

from caikit.runtime.models.sizing import DirectoryModelSizer

__all__ = ["DirectoryModelSizer"]
