"""Language models that continue their input."""

from __future__ import annotations

from typing import Any

from caikit.core import module

from ...data_model import PromptOutputModelType
from ...toolkit._class_attribute import LazyClassAttribute
from .base import PretrainedModelBase

__all__ = ["HFAutoCausalLM"]


def _model_type() -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM


def _supported_model_types() -> list[str]:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return list(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


@module(id="6759e891-287b-405b-bd8b-54a4a4d51c24", name="HF Transformers Auto Causal LM", version="0.1.0")
class HFAutoCausalLM(PretrainedModelBase):
    """A transformers model that predicts what follows a text."""

    MODEL_TYPE = LazyClassAttribute(_model_type)
    SUPPORTED_MODEL_TYPES = LazyClassAttribute(_supported_model_types)
    TASK_TYPE = "CAUSAL_LM"
    PROMPT_OUTPUT_TYPES = [PromptOutputModelType.DECODER]
    MAX_NUM_TRANSFORMERS = 1
    REQUIRES_TOKEN_UNWRAPPING = True
