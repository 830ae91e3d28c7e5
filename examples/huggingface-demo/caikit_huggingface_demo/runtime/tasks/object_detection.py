"""Which objects an image shows, and where."""

from __future__ import annotations

from typing import Any

from caikit.core import TaskBase, module, task

from module_ids import OBJECT_DETECTION

from ..data_model import Box, ObjectDetected, ObjectDetectionResult
from ..hf_base import HFBase

_THRESHOLD = 0.5


@task(unary_parameters={"encoded_bytes_or_url": str}, unary_output_type=ObjectDetectionResult)
class ObjectDetectionTask(TaskBase):
    """Finds objects in an image."""


@module(OBJECT_DETECTION, "object_detection", "0.0.0", task=ObjectDetectionTask)
class ObjectDetection(HFBase):
    """Wraps a pipeline."""

    DEFAULT_MODEL = "hustvl/yolos-tiny"
    DEFAULT_REVISION = "3686e65df0c914833fc8cbeca745a33b374c499b"

    def __init__(self, pipeline: Any) -> None:
        super().__init__()
        self.pipeline = pipeline

    @classmethod
    def bootstrap(cls, name: str | None, revision: str | None = None) -> ObjectDetection:
        from transformers import pipeline

        return cls(pipeline("object-detection", model=name, revision=revision))

    def run(self, encoded_bytes_or_url: str) -> ObjectDetectionResult:
        image = self.get_image_bytes(encoded_bytes_or_url)
        found = self.pipeline(image, threshold=_THRESHOLD)
        return ObjectDetectionResult(
            [ObjectDetected(one["label"], one["score"], _box(one["box"], *image.size)) for one in found]
        )


def _box(box: dict[str, int], width: int, height: int) -> Box:
    """Models see a little beyond the edges of the image."""
    return Box(
        xmin=min(max(box["xmin"], 0), width),
        ymin=min(max(box["ymin"], 0), height),
        xmax=min(max(box["xmax"], 0), width),
        ymax=min(max(box["ymax"], 0), height),
    )
