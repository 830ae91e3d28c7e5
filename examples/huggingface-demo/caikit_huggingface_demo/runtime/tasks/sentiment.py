"""Is the writer of a text happy or unhappy?"""

from __future__ import annotations

from typing import Any

from caikit.core import TaskBase, module, task

from module_ids import SENTIMENT

from ..data_model import ClassificationPrediction, ClassInfo
from ..hf_base import HFBase


@task(unary_parameters={"text_in": str}, unary_output_type=ClassificationPrediction)
class SentimentTask(TaskBase):
    """Says how likely each sentiment is."""


@module(SENTIMENT, "sentiment-analysis", "0.0.0", task=SentimentTask)
class Sentiment(HFBase):
    """Wraps a pipeline; without a name, its default model."""

    def __init__(self, pipeline: Any) -> None:
        super().__init__()
        self.pipeline = pipeline

    @classmethod
    def bootstrap(cls, name: str | None = None, revision: str | None = None) -> Sentiment:
        from transformers import pipeline

        return cls(pipeline("sentiment-analysis", model=name, revision=revision))

    def run(self, text_in: str) -> ClassificationPrediction:
        (scores,) = self.pipeline([text_in], top_k=None, truncation=True)
        return ClassificationPrediction([ClassInfo(score["label"], score["score"]) for score in scores])
