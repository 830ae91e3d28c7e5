"""Data objects for images."""

from __future__ import annotations

from . import image, package
from .image import Image
from .package import VISION_PACKAGE

__all__ = ["VISION_PACKAGE", "Image", "image", "package"]
