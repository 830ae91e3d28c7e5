"""The parts of an image."""

from __future__ import annotations

from typing import Annotated

from caikit.core.data_model import DataObjectBase, FieldNumber, ProducerId, dataobject
from caikit.interfaces.vision.data_model import Image

from .geometry import BoundingBox
from .package import VISION_LIBRARY_PACKAGE


@dataobject(VISION_LIBRARY_PACKAGE)
class ObjectSegment(DataObjectBase):
    """An object, or everything of one kind, and the pixels that belong to it.

    `polygon` is the outline of its largest part as x, y, x, y ...; `mask` is a grey image as large as the input, 255
    where the object is and 0 elsewhere.
    """

    score: Annotated[float, FieldNumber(1)]
    label: Annotated[str, FieldNumber(2)]
    bbox: Annotated[BoundingBox, FieldNumber(3)]
    area: Annotated[int, FieldNumber(4)]
    polygon: Annotated[list[float], FieldNumber(5)]
    mask: Annotated[Image, FieldNumber(6)]


@dataobject(VISION_LIBRARY_PACKAGE)
class ImageSegmentationResult(DataObjectBase):
    """The segments of an image, those with the highest scores first."""

    object_segments: Annotated[list[ObjectSegment], FieldNumber(1)]
    producer_id: Annotated[ProducerId, FieldNumber(2)]


__all__ = ["ImageSegmentationResult", "ObjectSegment"]
