"""Generated text, whole and as a stream of tokens.

Numbers that a model does not give are None; on the wire, and so in objects that were read, they are 0.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from caikit.core.data_model import DataObjectBase, FieldNumber, ProducerId, dataobject

from ..._number_types import uint32, uint64
from .package import NLP_PACKAGE


@dataobject(NLP_PACKAGE)
class FinishReason(Enum):
    """Why a model stopped.

    NOT_FINISHED stands for more to come; MAX_TOKENS is the limit of the request, TOKEN_LIMIT that of the model.
    """

    NOT_FINISHED = 0
    MAX_TOKENS = 1
    EOS_TOKEN = 2
    CANCELLED = 3
    TIME_LIMIT = 4
    STOP_SEQUENCE = 5
    TOKEN_LIMIT = 6
    ERROR = 7


@dataobject(NLP_PACKAGE)
class GeneratedToken(DataObjectBase):
    """One token, with the natural logarithm of its probability (at most 0) and its rank, the most probable one is 1."""

    text: Annotated[str, FieldNumber(1)]
    logprob: Annotated[float | None, FieldNumber(3)]
    rank: Annotated[int | None, FieldNumber(4)]


@dataobject(NLP_PACKAGE)
class GeneratedTextResult(DataObjectBase):
    """A generated text and how it came about.

    `generated_tokens` and `input_token_count` are numbers of tokens, `seed` is that of the sampling. `tokens` and
    `input_tokens` are details that a request asks for.
    """

    generated_text: Annotated[str, FieldNumber(1)]
    generated_tokens: Annotated[int, FieldNumber(2)]
    finish_reason: Annotated[FinishReason, FieldNumber(3)]
    producer_id: Annotated[ProducerId, FieldNumber(4)]
    input_token_count: Annotated[int, FieldNumber(5)]
    seed: Annotated[uint64 | None, FieldNumber(6)]
    tokens: Annotated[list[GeneratedToken] | None, FieldNumber(7)]
    input_tokens: Annotated[list[GeneratedToken] | None, FieldNumber(8)]


@dataobject(NLP_PACKAGE)
class TokenStreamDetails(DataObjectBase):
    """What is known about a stream of tokens so far: numbers of tokens since its beginning."""

    finish_reason: Annotated[FinishReason, FieldNumber(1)]
    generated_tokens: Annotated[uint32, FieldNumber(2)]
    seed: Annotated[uint64 | None, FieldNumber(3)]
    input_token_count: Annotated[int, FieldNumber(4)]


@dataobject(NLP_PACKAGE)
class GeneratedTextStreamResult(DataObjectBase):
    """The next piece of a generated text; `details` tell about the whole so far."""

    generated_text: Annotated[str, FieldNumber(1)]
    tokens: Annotated[list[GeneratedToken] | None, FieldNumber(2)]
    details: Annotated[TokenStreamDetails | None, FieldNumber(3)]
    producer_id: Annotated[ProducerId, FieldNumber(4)]
    input_tokens: Annotated[list[GeneratedToken] | None, FieldNumber(5)]


__all__ = [
    "FinishReason",
    "GeneratedTextResult",
    "GeneratedTextStreamResult",
    "GeneratedToken",
    "TokenStreamDetails",
]
