"""Classes of texts and of stretches of text.

Positions count characters of the text, `end` is behind the last one. Scores are between 0 and 1. Numbers that a model
does not give are None; on the wire, and so in objects that were read, they are 0.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from caikit.core.data_model import DataObjectBase, FieldNumber, dataobject

from ..._number_types import uint64
from .package import NLP_PACKAGE
from .text_generation import FinishReason, GeneratedToken


@dataobject(NLP_PACKAGE)
class InputWarningReason(Enum):
    """What is wrong with an input."""

    UNSUITABLE_INPUT = 0


@dataobject(NLP_PACKAGE)
class InputWarning(DataObjectBase):
    """A remark on the input of a call."""

    id: Annotated[InputWarningReason, FieldNumber(1)]
    message: Annotated[str, FieldNumber(2)]


@dataobject(NLP_PACKAGE)
class ClassificationTrainRecord(DataObjectBase):
    """A text and the labels it should get."""

    text: Annotated[str, FieldNumber(1)]
    labels: Annotated[list[str], FieldNumber(2)]


@dataobject(NLP_PACKAGE)
class ClassificationResult(DataObjectBase):
    """A label and its score between 0 and 1."""

    label: Annotated[str, FieldNumber(1)]
    score: Annotated[float, FieldNumber(2)]


@dataobject(NLP_PACKAGE)
class ClassificationResults(DataObjectBase):
    """The labels of a text with their scores."""

    results: Annotated[list[ClassificationResult], FieldNumber(1)]


@dataobject(NLP_PACKAGE)
class TokenClassificationResult(DataObjectBase):
    """What the stretch of a text from `start` up to `end` is, with its score between 0 and 1.

    `word` is the text of the stretch, `entity` its label, `entity_group` the label without a mark of its position in
    a group.
    """

    start: Annotated[int, FieldNumber(1)]
    end: Annotated[int, FieldNumber(2)]
    word: Annotated[str, FieldNumber(3)]
    entity: Annotated[str, FieldNumber(4)]
    entity_group: Annotated[str, FieldNumber(5)]
    score: Annotated[float, FieldNumber(6)]
    token_count: Annotated[int | None, FieldNumber(7)]


@dataobject(NLP_PACKAGE)
class TokenClassificationResults(DataObjectBase):
    """What was found in a text."""

    results: Annotated[list[TokenClassificationResult], FieldNumber(1)]


@dataobject(NLP_PACKAGE)
class TokenClassificationStreamResult(TokenClassificationResults):
    """What was found in a streamed text from `start_index` to `processed_index`."""

    processed_index: Annotated[int, FieldNumber(2)]
    start_index: Annotated[int, FieldNumber(3)]


@dataobject(NLP_PACKAGE)
class ClassifiedGeneratedTextResult(DataObjectBase):
    """A generated text with what was found in the input and in the output."""

    @dataobject(NLP_PACKAGE)
    class TextGenTokenClassificationResults(DataObjectBase):
        """What was found on both sides of a generation."""

        input: Annotated[list[TokenClassificationResult] | None, FieldNumber(10)]
        output: Annotated[list[TokenClassificationResult] | None, FieldNumber(20)]

    generated_text: Annotated[str | None, FieldNumber(1)]
    token_classification_results: Annotated[TextGenTokenClassificationResults | None, FieldNumber(2)]
    finish_reason: Annotated[FinishReason | None, FieldNumber(3)]
    generated_token_count: Annotated[int | None, FieldNumber(4)]
    seed: Annotated[uint64 | None, FieldNumber(5)]
    input_token_count: Annotated[int | None, FieldNumber(6)]
    warnings: Annotated[list[InputWarning] | None, FieldNumber(9)]
    tokens: Annotated[list[GeneratedToken] | None, FieldNumber(10)]
    input_tokens: Annotated[list[GeneratedToken] | None, FieldNumber(11)]


@dataobject(NLP_PACKAGE)
class ClassifiedGeneratedTextStreamResult(ClassifiedGeneratedTextResult):
    """The next piece of such a text, made of the input from `start_index` to `processed_index`."""

    processed_index: Annotated[int | None, FieldNumber(7)]
    start_index: Annotated[int, FieldNumber(8)]


__all__ = [
    "ClassificationResult",
    "ClassificationResults",
    "ClassificationTrainRecord",
    "ClassifiedGeneratedTextResult",
    "ClassifiedGeneratedTextStreamResult",
    "InputWarning",
    "InputWarningReason",
    "TokenClassificationResult",
    "TokenClassificationResults",
    "TokenClassificationStreamResult",
]
