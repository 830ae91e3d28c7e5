"""What a request for text may ask of a text generation server, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import alog

from caikit.core.exceptions import error_handler
from caikit_tgis_backend.protobufs import generation_pb2

from .parameters import GenerationParameters

__all__ = ["RemoteParameters"]

error = error_handler.get(alog.use_channel("TGISPARAMS"))

_COLDEST = 0.05
_WITHOUT_EFFECT: dict[str, tuple[Any, ...]] = {
    "temperature": (None, 0.0, 1.0),
    "top_k": (None, 0),
    "top_p": (None, 0.0, 1.0),
    "seed": (None,),
}
"""Values that change nothing of a text whose tokens are the most probable ones."""


@dataclass(frozen=True, kw_only=True)
class RemoteParameters(GenerationParameters):
    """The same parameters within the ranges of servers; 0 and None stand for what a server does by itself."""

    preserve_input_text: bool | None = False

    def message(self) -> Any:
        """The parameters as a message."""
        sampling = self.sampling
        parameters = generation_pb2.Parameters(
            method=generation_pb2.SAMPLE if sampling else generation_pb2.GREEDY,
            stopping=generation_pb2.StoppingCriteria(
                max_new_tokens=self.limit,
                min_new_tokens=self.min_new_tokens or 0,
                time_limit_millis=int((self.max_time or 0.0) * 1000),
                stop_sequences=self.stop_sequences or (),
                include_stop_sequence=self.include_stop_sequence,
            ),
            response=generation_pb2.ResponseOptions(
                input_text=bool(self.preserve_input_text),
                generated_tokens=bool(self.generated_tokens),
                input_tokens=bool(self.input_tokens),
                token_logprobs=bool(self.token_logprobs),
                token_ranks=bool(self.token_ranks),
            ),
            decoding=generation_pb2.DecodingParameters(repetition_penalty=self.repetition_penalty or 0.0),
            truncate_input_tokens=self.truncate_input_tokens or 0,
        )
        if sampling:
            parameters.sampling.temperature = self.temperature or 0.0
            parameters.sampling.top_k = self.top_k or 0
            parameters.sampling.top_p = self.top_p or 0.0
            parameters.sampling.typical_p = self.typical_p or 0.0
            if self.seed is not None:
                parameters.sampling.seed = self.seed
        if self.decay is not None:
            penalty = parameters.decoding.length_penalty
            penalty.start_index, penalty.decay_factor = self.decay
        return parameters

    def _check_limits(self) -> None:
        shortest = self.min_new_tokens or 0
        error.value_check(
            "<NLP03521363E>",
            shortest <= self.limit,
            f"Maximum new tokens [{self.limit}] has to be greater than minimum new tokens [{shortest}]",
        )

    def _check_ranges(self) -> None:
        counts = {
            name: getattr(self, name) or 0
            for name in ("max_new_tokens", "min_new_tokens", "truncate_input_tokens")
        }
        for name, value in counts.items():
            fits = 0 <= value < 2**32
            error.value_check("<NLP03521364E>", fits, f"{name} must be >= 0 and < 2**32")
        for fits, message in (
            (not self.temperature or self.temperature >= _COLDEST, "temperature must be >= 0.05"),
            (not self.top_p or 0.0 < self.top_p <= 1.0, "top_p must be > 0.0 and <= 1.0"),
            (0 <= (self.top_k or 0) < 2**32, "top_k must be strictly positive"),
            ((self.typical_p or 0.0) <= 1.0, "typical_p must be <= 1.0"),
            ((self.repetition_penalty or 0.0) >= 0.0, "repetition_penalty must be > 0.0"),
            (0.0 <= (self.max_time or 0.0) < 2**32 / 1000, "max_time must be >= 0.0 and less than 50 days"),
            (0 <= (self.seed or 0) < 2**64, "seed must be >= 0 and < 2**64"),
        ):
            error.value_check("<NLP03521365E>", fits, message)
        self._check_decay()
        error.value_check(
            "<NLP03521366E>",
            self.sampling or all(getattr(self, name) in neutral for name, neutral in _WITHOUT_EFFECT.items()),
            "sampling parameters (temperature/top_k/top_p/typical_p/seed) aren't applicable in greedy decoding mode",
        )
