"""The messages of the demo."""

from .classification import ClassificationPrediction, ClassInfo
from .images import Box, ImageSegmentationResult, Mask, ObjectDetected, ObjectDetectionResult
from .text import ChatMessage, Text
from .vectors import EmbeddingsPair, Result

__all__ = [
    "Box",
    "ChatMessage",
    "ClassInfo",
    "ClassificationPrediction",
    "EmbeddingsPair",
    "ImageSegmentationResult",
    "Mask",
    "ObjectDetected",
    "ObjectDetectionResult",
    "Result",
    "Text",
]
