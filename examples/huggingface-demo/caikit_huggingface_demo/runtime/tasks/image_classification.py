"""What an image shows."""

from __future__ import annotations

from typing import Any

from caikit.core import TaskBase, module, task

from module_ids import IMAGE_CLASSIFICATION

from ..data_model import ClassificationPrediction, ClassInfo
from ..hf_base import HFBase


@task(unary_parameters={"encoded_bytes_or_url": str}, unary_output_type=ClassificationPrediction)
class ImageClassificationTask(TaskBase):
    """Says what an image probably shows."""


@module(IMAGE_CLASSIFICATION, "image_classification", "0.0.0", task=ImageClassificationTask)
class ImageClassification(HFBase):
    """Wraps a pipeline; without a name, its default model."""

    def __init__(self, pipeline: Any) -> None:
        super().__init__()
        self.pipeline = pipeline

    @classmethod
    def bootstrap(cls, name: str | None = None, revision: str | None = None) -> ImageClassification:
        from transformers import pipeline

        return cls(pipeline("image-classification", model=name, revision=revision))

    def run(self, encoded_bytes_or_url: str) -> ClassificationPrediction:
        scores = self.pipeline(self.get_image_bytes(encoded_bytes_or_url))
        return ClassificationPrediction([ClassInfo(score["label"], score["score"]) for score in scores])
