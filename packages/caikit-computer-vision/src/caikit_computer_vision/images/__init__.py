"""From whatever is given as an image to red, green and blue pixels."""

from __future__ import annotations

from ._pixels import pixels_in_turn, read_image, work_on_image

__all__ = ["pixels_in_turn", "read_image", "work_on_image"]
