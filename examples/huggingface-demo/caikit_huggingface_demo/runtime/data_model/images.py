"""What was found in an image."""

from caikit.core import DataObjectBase, dataobject


@dataobject
class Box(DataObjectBase):
    """In pixels, from the top left."""

    xmin: int
    ymin: int
    xmax: int
    ymax: int


@dataobject
class ObjectDetected(DataObjectBase):
    label: str
    score: float
    box: Box


@dataobject
class ObjectDetectionResult(DataObjectBase):
    objects: list[ObjectDetected]


@dataobject
class Mask(DataObjectBase):
    """A segment; the mask is a PNG in base64, as large as the image, white where the segment is."""

    label: str
    score: float
    mask: str


@dataobject
class ImageSegmentationResult(DataObjectBase):
    objects: list[Mask]
