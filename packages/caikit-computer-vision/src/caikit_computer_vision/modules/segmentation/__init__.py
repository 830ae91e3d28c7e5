"""Modules that divide images into parts."""

from __future__ import annotations

from .transformers_segmenter import TransformersSegmenter

__all__ = ["TransformersSegmenter"]
