"""Tasks on images.

An image is the content of an image file (bytes; base64 in JSON), or a `FlatImage`. A text is base64 as well, a data URL,
or, where the settings allow it, the path of a file on the server.
"""

from __future__ import annotations

from typing import Union

from caikit.core import TaskBase, task

from .flat_image import FlatImage
from .image_classification import ImageClassificationResult
from .image_segmentation import ImageSegmentationResult
from .object_detection import ObjectDetectionResult
from .text_to_image import CaptionedImage

SentImage = Union[bytes, str, FlatImage]  # noqa: UP007 - read at run time, also by Python 3.10
"""How an image travels."""


@task(unary_parameters={"inputs": SentImage}, unary_output_type=ObjectDetectionResult)
class ObjectDetectionTask(TaskBase):
    """Finds objects in an image."""


@task(unary_parameters={"inputs": SentImage}, unary_output_type=ImageClassificationResult)
class ImageClassificationTask(TaskBase):
    """Says what an image shows."""


@task(unary_parameters={"inputs": SentImage}, unary_output_type=ImageSegmentationResult)
class ImageSegmentationTask(TaskBase):
    """Divides an image into parts."""


@task(unary_parameters={"inputs": str}, unary_output_type=CaptionedImage)
class TextToImageTask(TaskBase):
    """Makes an image from a text."""


__all__ = [
    "ImageClassificationTask",
    "ImageSegmentationTask",
    "ObjectDetectionTask",
    "SentImage",
    "TextToImageTask",
]
