"""What a request for text may ask for, checked before a model computes anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import alog

from caikit.core.exceptions import error_handler

from ...data_model import ExponentialDecayLengthPenalty

__all__ = ["DEFAULT_MAX_NEW_TOKENS", "VALID_DECODING_METHODS", "GenerationParameters"]

error = error_handler.get(alog.use_channel("GENPARAMS"))

VALID_DECODING_METHODS = ["GREEDY", "SAMPLING"]
DEFAULT_MAX_NEW_TOKENS = 20

_INTEGERS = ("max_new_tokens", "min_new_tokens", "truncate_input_tokens", "top_k", "seed")
_FLOATS = ("top_p", "typical_p", "temperature", "repetition_penalty", "max_time")
_FLAGS = (
    "preserve_input_text",
    "input_tokens",
    "generated_tokens",
    "token_logprobs",
    "token_ranks",
    "include_stop_sequence",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationParameters:
    """None stands for what the model or the method does by itself; 0 in place of a limit or a penalty for none."""

    max_new_tokens: int | None = DEFAULT_MAX_NEW_TOKENS
    min_new_tokens: int | None = 0
    truncate_input_tokens: int | None = 0
    decoding_method: str | None = "GREEDY"
    top_k: int | None = None
    top_p: float | None = None
    typical_p: float | None = None
    temperature: float | None = None
    repetition_penalty: float | None = None
    max_time: float | None = None
    exponential_decay_length_penalty: tuple[int, float] | ExponentialDecayLengthPenalty | None = None
    stop_sequences: list[str] | None = None
    seed: int | None = None
    preserve_input_text: bool | None = True
    input_tokens: bool | None = False
    generated_tokens: bool | None = False
    token_logprobs: bool | None = False
    token_ranks: bool | None = False
    include_stop_sequence: bool | None = None

    def __post_init__(self) -> None:
        self._check_types()
        error.value_check(
            "<NLP11620161E>",
            self.decoding_method in (None, *VALID_DECODING_METHODS),
            f"Decoding method [{self.decoding_method}] not in valid decoding methods: [{VALID_DECODING_METHODS}]",
        )
        self._check_ranges()
        self._check_limits()

    @property
    def limit(self) -> int:
        """The most tokens to generate."""
        return DEFAULT_MAX_NEW_TOKENS if self.max_new_tokens is None else self.max_new_tokens

    @property
    def sampling(self) -> bool:
        return self.decoding_method == "SAMPLING"

    @property
    def decay(self) -> tuple[int, float] | None:
        """The penalty of long texts as the number of the first token and the factor."""
        penalty = self.exponential_decay_length_penalty
        if isinstance(penalty, ExponentialDecayLengthPenalty):
            return (penalty.start_index, penalty.decay_factor)
        return penalty

    def _check_types(self) -> None:
        error.type_check("<NLP65883534E>", str, allow_none=True, decoding_method=self.decoding_method)
        error.type_check("<NLP65883535E>", int, allow_none=True, **self._values(_INTEGERS))
        error.type_check("<NLP65883536E>", float, allow_none=True, **self._values(_FLOATS))
        error.type_check("<NLP65883537E>", bool, allow_none=True, **self._values(_FLAGS))
        error.type_check_all("<NLP65883539E>", str, allow_none=True, stop_sequences=self.stop_sequences)
        error.type_check(
            "<NLP65883540E>",
            tuple,
            list,
            ExponentialDecayLengthPenalty,
            allow_none=True,
            exponential_decay_length_penalty=self.exponential_decay_length_penalty,
        )

    def _values(self, names: tuple[str, ...]) -> dict[str, Any]:
        return {name: getattr(self, name) for name in names}

    def _check_limits(self) -> None:
        error.value_check(
            "<NLP85452188E>",
            self.limit >= (self.min_new_tokens or 0),
            "Max new tokens needs to be bigger than min new tokens",
        )

    def _check_ranges(self) -> None:
        ranges = [
            (self.limit >= 0, f"max_new_tokens must not be negative, got {self.limit}"),
            ((self.min_new_tokens or 0) >= 0, "min_new_tokens must not be negative"),
            ((self.max_time or 0.0) >= 0.0, "max_time must not be negative"),
            ((self.repetition_penalty or 1.0) > 0.0, "repetition_penalty must be > 0.0"),
            ((self.seed or 0) >= 0 and (self.seed or 0) < 2**64, "seed must be >= 0 and < 2**64"),
        ]
        if self.sampling:
            ranges += [
                ((self.temperature or 1.0) > 0.0, "temperature must be > 0.0"),
                (0.0 < (self.top_p or 1.0) <= 1.0, "top_p must be > 0.0 and <= 1.0"),
                ((self.top_k or 1) > 0, "top_k must be strictly positive"),
                (0.0 < (self.typical_p or 1.0) <= 1.0, "typical_p must be > 0.0 and <= 1.0"),
            ]
        for fits, message in ranges:
            error.value_check("<NLP03521359E>", fits, message)
        self._check_decay()

    def _check_decay(self) -> None:
        decay = self.decay
        if decay is None:
            return
        error.value_check(
            "<NLP03521360E>",
            len(decay) == 2,
            "exponential_decay_length_penalty must have a start index and a decay factor",
        )
        error.type_check("<NLP81276841E>", int, start_index=decay[0])
        error.type_check("<NLP81276842E>", float, decay_factor=decay[1])
        error.value_check(
            "<NLP81276843E>",
            1.0 <= decay[1] <= 10.0,
            "decay_factor in exponential_decay_length_penalty must be >= 1.0 and <= 10.0",
        )
