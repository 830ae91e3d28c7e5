"""Data objects for images."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("PIL") is None:
    raise ImportError("Images need Pillow: install caikit[interfaces-vision]", name="PIL")

from . import data_model

__all__ = ["data_model"]
