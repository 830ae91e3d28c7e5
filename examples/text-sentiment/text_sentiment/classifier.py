"""The task, and one module that solves it: MiniLM sentence vectors under a logistic regression."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from caikit.core import ModuleBase, ModuleLoader, ModuleSaver, TaskBase, module, task
from caikit.core.data_model import DataStream

from .data_model import ClassificationPrediction, ClassInfo, LabeledText, TextInput
from .encoder import SentenceEncoder, default_model_path
from .logistic import Array, fit, sigmoid

NEGATIVE, POSITIVE = "NEGATIVE", "POSITIVE"


@task(unary_parameters={"text_input": TextInput}, unary_output_type=ClassificationPrediction)
class TextSentimentTask(TaskBase):
    """Is the writer of this text happy or unhappy?"""


@module("66e6aed1-b585-49f5-b98d-09c2d497d659", "SentimentClassifier", "0.1.0", task=TextSentimentTask)
class SentimentClassifier(ModuleBase):
    """Says POSITIVE or NEGATIVE."""

    def __init__(self, weights: Array, bias: float) -> None:
        super().__init__()
        self._weights = weights
        self._bias = bias

    def run(self, text_input: TextInput) -> ClassificationPrediction:
        positive = float(sigmoid(encoder().encode([text_input.text])[0] @ self._weights + self._bias))
        best = ClassInfo(POSITIVE, positive) if positive >= 0.5 else ClassInfo(NEGATIVE, 1 - positive)
        return ClassificationPrediction([best])

    @classmethod
    def train(cls, training_data: DataStream[LabeledText], l2: float = 0.1) -> SentimentClassifier:
        records = list(training_data)
        labels = {record.label for record in records}
        if labels != {NEGATIVE, POSITIVE}:
            raise ValueError(
                f"expected texts labelled {NEGATIVE} and {POSITIVE}, got labels {sorted(labels)}"
            )
        vectors = encoder().encode([record.text for record in records])
        positive = np.array([record.label == POSITIVE for record in records])
        return cls(*fit(vectors.astype(np.float64), positive, l2))

    def save(self, model_path: str) -> None:
        with ModuleSaver(self, model_path=model_path) as saver:
            np.save(Path(model_path) / "weights.npy", self._weights)
            saver.update_config({"weights": "weights.npy", "bias": self._bias})

    @classmethod
    def load(cls, model_path: str) -> SentimentClassifier:
        config = ModuleLoader(model_path).config
        return cls(np.load(Path(config.model_path) / config.weights), config.bias)


@cache
def encoder() -> SentenceEncoder:
    """All models of this process share one encoder; it is read on first use."""
    return SentenceEncoder(default_model_path())
