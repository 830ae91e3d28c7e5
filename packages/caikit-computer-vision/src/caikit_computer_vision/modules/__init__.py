"""Modules for computer vision."""

from __future__ import annotations

from . import image_classification, object_detection, segmentation, text_to_image
from .image_classification import TransformersImageClassifier
from .object_detection import TransformersObjectDetector
from .segmentation import TransformersSegmenter
from .text_to_image import TTIStub

__all__ = [
    "TTIStub",
    "TransformersImageClassifier",
    "TransformersObjectDetector",
    "TransformersSegmenter",
    "image_classification",
    "object_detection",
    "segmentation",
    "text_to_image",
]
