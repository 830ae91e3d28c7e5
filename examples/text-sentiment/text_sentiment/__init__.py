"""A library for the caikit runtime: classify the sentiment of a text, and train the classifier."""

from pathlib import Path

import caikit

from .classifier import SentimentClassifier, TextSentimentTask
from .data_model import ClassificationPrediction, ClassInfo, LabeledText, TextInput

__all__ = [
    "ClassInfo",
    "ClassificationPrediction",
    "LabeledText",
    "SentimentClassifier",
    "TextInput",
    "TextSentimentTask",
]

caikit.configure(str(Path(__file__).parent / "config.yml"))
