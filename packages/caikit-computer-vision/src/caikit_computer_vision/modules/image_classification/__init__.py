"""Modules that say what images show."""

from __future__ import annotations

from .transformers_image_classifier import TransformersImageClassifier

__all__ = ["TransformersImageClassifier"]
