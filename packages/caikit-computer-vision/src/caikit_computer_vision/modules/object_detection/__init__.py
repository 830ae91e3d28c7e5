"""Modules that find objects in images."""

from __future__ import annotations

from .transformers_object_detector import TransformersObjectDetector

__all__ = ["TransformersObjectDetector"]
