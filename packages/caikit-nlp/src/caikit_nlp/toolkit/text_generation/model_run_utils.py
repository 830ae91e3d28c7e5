"""Texts as results of tasks, whole or in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import alog

from caikit.core.data_model import ProducerId
from caikit.core.exceptions import error_handler
from caikit.interfaces.nlp.data_model import (
    FinishReason,
    GeneratedTextResult,
    GeneratedTextStreamResult,
    GeneratedToken,
    TokenizationResults,
    TokenStreamDetails,
)

from .._long_texts import check_length
from ._input import encode
from ._loop import Generation
from .parameters import VALID_DECODING_METHODS, GenerationParameters

if TYPE_CHECKING:
    import torch

__all__ = [
    "VALID_DECODING_METHODS",
    "generate_text_func",
    "generate_text_func_stream",
    "run_tokenizer_func",
]

error = error_handler.get(alog.use_channel("RUNUTILS"))

_PARAMETERS = frozenset(GenerationParameters.__dataclass_fields__)


def generate_text_func(
    model: Any,
    tokenizer: Any,
    producer_id: ProducerId,
    eos_token: str | None,
    text: str,
    prompts: Mapping[str, torch.Tensor] | None = None,
    **parameters: Any,
) -> GeneratedTextResult:
    """A text from a model of the transformers library.

    Args:
        model: causal or sequence to sequence
        tokenizer: its tokenizer
        producer_id: who is named in the result
        eos_token: the token that ends a text, beside those of the model's configuration
        text: what to continue
        prompts: tuned vectors in front of the text, by the part of the model that gets them
        parameters: fields of GenerationParameters, and settings that models can have
    """
    generation, given = _begin(model, tokenizer, eos_token, text, prompts, parameters)
    input_tokens = generation.input_tokens()
    texts = [generation.input_text]
    tokens: list[GeneratedToken] = []
    count, reason = 0, FinishReason.NOT_FINISHED
    for piece in generation:
        texts.append(piece.text)
        tokens += piece.tokens
        count, reason = piece.count, piece.finish_reason
    return GeneratedTextResult(
        generated_text="".join(texts),
        generated_tokens=count,
        finish_reason=reason,
        producer_id=producer_id,
        input_token_count=len(generation.input_ids),
        seed=given.seed,
        tokens=tokens if given.generated_tokens else None,
        input_tokens=input_tokens,
    )


def generate_text_func_stream(
    model: Any,
    tokenizer: Any,
    producer_id: ProducerId,
    eos_token: str | None,
    text: str,
    prompts: Mapping[str, torch.Tensor] | None = None,
    **parameters: Any,
) -> Iterator[GeneratedTextStreamResult]:
    """The same, one item for each token; the first one has what is preserved of the input."""
    generation, given = _begin(model, tokenizer, eos_token, text, prompts, parameters)
    return _items(generation, given, producer_id)


def run_tokenizer_func(tokenizer: Any, text: str) -> TokenizationResults:
    """The number of tokens of a text, those included that the tokenizer adds."""
    error.type_check("<NLP48137031E>", str, text=text)
    check_length(text)
    return TokenizationResults(token_count=len(encode(tokenizer, text)[0]) if text else 0)


def _begin(
    model: Any,
    tokenizer: Any,
    eos_token: str | None,
    text: str,
    prompts: Mapping[str, torch.Tensor] | None,
    parameters: dict[str, Any],
) -> tuple[Generation, GenerationParameters]:
    error.type_check("<NLP65883533E>", str, text=text)
    known = {name: value for name, value in parameters.items() if name in _PARAMETERS}
    extra = {name: value for name, value in parameters.items() if name not in _PARAMETERS}
    given = GenerationParameters(**known)
    return (
        Generation(model, tokenizer, text, given, eos_token=eos_token, prompts=prompts, extra=extra),
        given,
    )


def _items(
    generation: Generation, given: GenerationParameters, producer_id: ProducerId
) -> Iterator[GeneratedTextStreamResult]:
    input_tokens = generation.input_tokens()
    before = generation.input_text
    for piece in generation:
        yield GeneratedTextStreamResult(
            generated_text=before + piece.text,
            tokens=piece.tokens if given.generated_tokens else None,
            details=TokenStreamDetails(
                finish_reason=piece.finish_reason,
                generated_tokens=piece.count,
                seed=given.seed,
                input_token_count=len(generation.input_ids),
            ),
            producer_id=producer_id,
            input_tokens=input_tokens,
        )
        before, input_tokens = "", None
