"""From whatever is given as an image to red, green and blue pixels."""

from __future__ import annotations

from ._pixels import read_image

__all__ = ["read_image"]
