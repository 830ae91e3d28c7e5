"""Language models that read their input before they write."""

from __future__ import annotations

from typing import Any

from caikit.core import module

from ...data_model import PromptOutputModelType
from ...toolkit._class_attribute import LazyClassAttribute
from .base import PretrainedModelBase

__all__ = ["HFAutoSeq2SeqLM"]


def _model_type() -> Any:
    from transformers import AutoModelForSeq2SeqLM

    return AutoModelForSeq2SeqLM


def _supported_model_types() -> list[str]:
    from transformers.models.auto.modeling_auto import MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES

    return list(MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES)


@module(id="6759e891-287b-405b-bd8b-54a4a4d51c25", name="HF Transformers Auto Seq2Seq LM", version="0.1.0")
class HFAutoSeq2SeqLM(PretrainedModelBase):
    """A transformers model with an encoder and a decoder."""

    MODEL_TYPE = LazyClassAttribute(_model_type)
    SUPPORTED_MODEL_TYPES = LazyClassAttribute(_supported_model_types)
    TASK_TYPE = "SEQ_2_SEQ_LM"
    PROMPT_OUTPUT_TYPES = [PromptOutputModelType.ENCODER]
    MAX_NUM_TRANSFORMERS = 2
    REQUIRES_TOKEN_UNWRAPPING = False
