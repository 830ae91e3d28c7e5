"""Data objects and tasks of computer vision."""

from __future__ import annotations

from caikit.interfaces.vision.data_model import Image

from . import tasks
from .flat_image import FlatChannel, FlatImage
from .geometry import BoundingBox, Point2d, Point2f
from .image_classification import ImageClassification, ImageClassificationResult
from .image_segmentation import ImageSegmentationResult, ObjectSegment
from .object_detection import (
    Anomaly,
    AnomalyRegion,
    DetectedObject,
    ObjectDetectionResult,
    ObjectDetectionTrainSet,
)
from .package import VISION_LIBRARY_PACKAGE
from .tasks import (
    ImageClassificationTask,
    ImageSegmentationTask,
    ObjectDetectionTask,
    SentImage,
    TextToImageTask,
)
from .text_to_image import CaptionedImage

__all__ = [
    "VISION_LIBRARY_PACKAGE",
    "Anomaly",
    "AnomalyRegion",
    "BoundingBox",
    "CaptionedImage",
    "DetectedObject",
    "FlatChannel",
    "FlatImage",
    "Image",
    "ImageClassification",
    "ImageClassificationResult",
    "ImageClassificationTask",
    "ImageSegmentationResult",
    "ImageSegmentationTask",
    "ObjectDetectionResult",
    "ObjectDetectionTask",
    "ObjectDetectionTrainSet",
    "ObjectSegment",
    "Point2d",
    "Point2f",
    "SentImage",
    "TextToImageTask",
    "tasks",
]
