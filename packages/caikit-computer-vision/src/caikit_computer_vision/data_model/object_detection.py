"""Objects found in an image."""

from __future__ import annotations

from typing import Annotated

from caikit.core.data_model import DataObjectBase, FieldNumber, ProducerId, dataobject

from .geometry import BoundingBox, Point2d, Point2f
from .package import VISION_LIBRARY_PACKAGE


@dataobject(VISION_LIBRARY_PACKAGE)
class AnomalyRegion(DataObjectBase):
    """A part of an object that is unusual; its places are relative to the object."""

    score: Annotated[float, FieldNumber(1)]
    box: Annotated[BoundingBox, FieldNumber(2)]
    anomaly_hotspot: Annotated[Point2d, FieldNumber(3)]


@dataobject(VISION_LIBRARY_PACKAGE)
class Anomaly(DataObjectBase):
    """How unusual an object is."""

    score: Annotated[float, FieldNumber(1)]
    anomaly_threshold: Annotated[float, FieldNumber(2)]
    detail_data: Annotated[str, FieldNumber(3)]
    regions: Annotated[list[AnomalyRegion], FieldNumber(4)]


@dataobject(VISION_LIBRARY_PACKAGE)
class DetectedObject(DataObjectBase):
    """What was found where, with a score between 0 and 1."""

    score: Annotated[float, FieldNumber(1)]
    label: Annotated[str, FieldNumber(2)]
    box: Annotated[BoundingBox, FieldNumber(3)]
    object_segments: Annotated[list[Point2f] | None, FieldNumber(4)]
    rle: Annotated[str | None, FieldNumber(5)]
    anomaly: Annotated[Anomaly | None, FieldNumber(6)]


@dataobject(VISION_LIBRARY_PACKAGE)
class ObjectDetectionResult(DataObjectBase):
    """The objects of an image, those with the highest scores first."""

    detected_objects: Annotated[list[DetectedObject], FieldNumber(1)]
    producer_id: Annotated[ProducerId, FieldNumber(2)]


@dataobject(VISION_LIBRARY_PACKAGE)
class ObjectDetectionTrainSet(DataObjectBase):
    """A folder of images, and a COCO file with their names and the boxes in them."""

    img_dir_path: Annotated[str, FieldNumber(1)]
    labels_file: Annotated[str, FieldNumber(2)]


__all__ = [
    "Anomaly",
    "AnomalyRegion",
    "DetectedObject",
    "ObjectDetectionResult",
    "ObjectDetectionTrainSet",
]
