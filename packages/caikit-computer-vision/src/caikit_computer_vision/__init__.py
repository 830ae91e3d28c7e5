"""Object detection, image classification and segmentation for caikit."""

from __future__ import annotations

from importlib.metadata import version as _version

from . import data_model, modules
from ._settings import apply_defaults

__all__ = ["__version__", "data_model", "modules"]

__version__ = _version("caikit-computer-vision")

apply_defaults()
