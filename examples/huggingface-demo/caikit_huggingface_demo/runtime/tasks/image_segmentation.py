"""Which parts of an image belong to what."""

from __future__ import annotations

from typing import Any

from caikit.core import TaskBase, module, task

from module_ids import IMAGE_SEGMENTATION

from ..data_model import ImageSegmentationResult, Mask
from ..hf_base import HFBase

_THRESHOLD = 0.5
# Models see far fewer pixels, and pipelines stretch all classes of a model to the size of the image at once.
_LONGEST_EDGE = 1600


@task(unary_parameters={"encoded_bytes_or_url": str}, unary_output_type=ImageSegmentationResult)
class ImageSegmentationTask(TaskBase):
    """Divides an image into segments."""


@module(IMAGE_SEGMENTATION, "image_segmentation", "0.0.0", task=ImageSegmentationTask)
class ImageSegmentation(HFBase):
    """Wraps a pipeline."""

    DEFAULT_MODEL = "facebook/detr-resnet-50-panoptic"
    DEFAULT_REVISION = "fc15262"

    def __init__(self, pipeline: Any) -> None:
        super().__init__()
        self.pipeline = pipeline

    @classmethod
    def bootstrap(cls, name: str | None, revision: str | None = None) -> ImageSegmentation:
        from transformers import pipeline

        return cls(pipeline("image-segmentation", model=name, revision=revision))

    def run(self, encoded_bytes_or_url: str) -> ImageSegmentationResult:
        from PIL.Image import Resampling

        image = self.get_image_bytes(encoded_bytes_or_url)
        size = image.size
        image.thumbnail((_LONGEST_EDGE, _LONGEST_EDGE))
        segments = self.pipeline(image, threshold=_THRESHOLD)
        return ImageSegmentationResult(
            [
                # Semantic models decide about each pixel and do not say how sure they are.
                Mask(
                    one["label"],
                    1.0 if one["score"] is None else one["score"],
                    self.encode_image(one["mask"].resize(size, Resampling.NEAREST)).decode(),
                )
                for one in segments
            ]
        )
