"""Places in an image, counted in pixels from its upper left corner."""

from __future__ import annotations

from typing import Annotated

from caikit.core.data_model import DataObjectBase, FieldNumber, dataobject

from .package import VISION_LIBRARY_PACKAGE


@dataobject(VISION_LIBRARY_PACKAGE)
class BoundingBox(DataObjectBase):
    """The columns from `xmin` up to `xmax` and the rows from `ymin` up to `ymax`."""

    xmin: Annotated[int, FieldNumber(1)]
    xmax: Annotated[int, FieldNumber(2)]
    ymin: Annotated[int, FieldNumber(3)]
    ymax: Annotated[int, FieldNumber(4)]


@dataobject(VISION_LIBRARY_PACKAGE)
class Point2f(DataObjectBase):
    """A point between pixels."""

    x: Annotated[float, FieldNumber(1)]
    y: Annotated[float, FieldNumber(2)]


@dataobject(VISION_LIBRARY_PACKAGE)
class Point2d(DataObjectBase):
    """A pixel."""

    x: Annotated[int, FieldNumber(1)]
    y: Annotated[int, FieldNumber(2)]


__all__ = ["BoundingBox", "Point2d", "Point2f"]
