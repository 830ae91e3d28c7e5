"""Images made from texts."""

from __future__ import annotations

from typing import Annotated

from caikit.core.data_model import DataObjectBase, FieldNumber, ProducerId, dataobject
from caikit.interfaces.vision.data_model import Image

from .package import VISION_LIBRARY_PACKAGE


@dataobject(VISION_LIBRARY_PACKAGE)
class CaptionedImage(DataObjectBase):
    """An image and the text that it was made from."""

    output: Annotated[Image, FieldNumber(1)]
    caption: Annotated[str, FieldNumber(2)]
    producer_id: Annotated[ProducerId, FieldNumber(3)]


__all__ = ["CaptionedImage"]
