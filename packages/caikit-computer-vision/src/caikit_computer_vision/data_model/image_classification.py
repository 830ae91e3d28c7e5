"""What an image shows."""

from __future__ import annotations

from typing import Annotated

from caikit.core.data_model import DataObjectBase, FieldNumber, ProducerId, dataobject

from .package import VISION_LIBRARY_PACKAGE


@dataobject(VISION_LIBRARY_PACKAGE)
class ImageClassification(DataObjectBase):
    """A label and its score between 0 and 1."""

    label: Annotated[str, FieldNumber(1)]
    score: Annotated[float, FieldNumber(2)]


@dataobject(VISION_LIBRARY_PACKAGE)
class ImageClassificationResult(DataObjectBase):
    """The labels of an image, those with the highest scores first."""

    classifications: Annotated[list[ImageClassification], FieldNumber(1)]
    producer_id: Annotated[ProducerId, FieldNumber(2)]


__all__ = ["ImageClassification", "ImageClassificationResult"]
