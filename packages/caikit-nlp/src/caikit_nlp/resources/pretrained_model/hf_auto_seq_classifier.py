"""Models that put texts into classes."""

from __future__ import annotations

from typing import Any

from caikit.core import module

from ...toolkit._class_attribute import LazyClassAttribute
from .base import PretrainedModelBase

__all__ = ["HFAutoSequenceClassifier"]


def _model_type() -> Any:
    from transformers import AutoModelForSequenceClassification

    return AutoModelForSequenceClassification


def _supported_model_types() -> list[str]:
    from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES

    return list(MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES)


@module(
    id="6759e891-287b-405b-bd8b-54a4a4d51c23",
    name="HF Transformers Auto Sequence Classifier",
    version="0.1.0",
)
class HFAutoSequenceClassifier(PretrainedModelBase):
    """A transformers model with a classification head."""

    MODEL_TYPE = LazyClassAttribute(_model_type)
    SUPPORTED_MODEL_TYPES = LazyClassAttribute(_supported_model_types)
    TASK_TYPE = "SEQ_CLS"
