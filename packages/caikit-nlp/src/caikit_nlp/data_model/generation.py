"""What generation, training and tuning take."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from caikit.core.data_model import DataObjectBase, FieldNumber, dataobject

from .package import CAIKIT_NLP_PACKAGE

__all__ = ["ExponentialDecayLengthPenalty", "GenerationTrainRecord", "PromptOutputModelType", "TuningConfig"]


class PromptOutputModelType(Enum):
    """The part of a model that a tuned prompt is for."""

    ENCODER = "ENCODER"
    DECODER = "DECODER"


@dataobject(CAIKIT_NLP_PACKAGE)
class GenerationTrainRecord(DataObjectBase):
    """An example: a text and what is to be generated for it."""

    input: Annotated[str, FieldNumber(1)]
    output: Annotated[str, FieldNumber(2)]


@dataobject(CAIKIT_NLP_PACKAGE)
class TuningConfig(DataObjectBase):
    """How a prompt is tuned.

    `prompt_tuning_init_method` is one of TEXT, RANDOM, ONLY_SOURCE_SHARED and AVERAGE_SOURCE_TASKS; the text of TEXT
    is `prompt_tuning_init_text`, the file of the last two `prompt_tuning_init_source_model`.
    `output_model_types` are names of PromptOutputModelType.
    """

    num_virtual_tokens: Annotated[int, FieldNumber(1)]
    prompt_tuning_init_text: Annotated[str | None, FieldNumber(2)]
    prompt_tuning_init_method: Annotated[str | None, FieldNumber(3)]
    prompt_tuning_init_source_model: Annotated[str | None, FieldNumber(4)]
    output_model_types: Annotated[list[str] | None, FieldNumber(5)]


@dataobject(CAIKIT_NLP_PACKAGE)
class ExponentialDecayLengthPenalty(DataObjectBase):
    """Makes the end of the text more probable, by a power of the factor, from a number of tokens on."""

    start_index: Annotated[int, FieldNumber(1)]
    decay_factor: Annotated[float, FieldNumber(2)]
