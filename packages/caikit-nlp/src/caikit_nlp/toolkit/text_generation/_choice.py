"""Choosing the next token from the scores that a model gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from .parameters import GenerationParameters

__all__ = ["MODEL_SETTINGS", "Chooser", "end_tokens", "model_settings"]

Processor = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]

MODEL_SETTINGS = (
    "bad_words_ids",
    "begin_suppress_tokens",
    "encoder_no_repeat_ngram_size",
    "encoder_repetition_penalty",
    "epsilon_cutoff",
    "eta_cutoff",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "min_p",
    "no_repeat_ngram_size",
    "repetition_penalty",
    "sequence_bias",
    "suppress_tokens",
)
"""What else a request may set and the configuration of a model may ask for, under the names of transformers."""

_ONLY_WHEN_SAMPLING = ("min_p", "epsilon_cutoff", "eta_cutoff")


def end_tokens(model: Any, tokenizer: Any, eos_token: str | None) -> list[int]:
    """The tokens that end a text."""
    named = tokenizer.convert_tokens_to_ids(eos_token) if eos_token else None
    configured = model.generation_config.eos_token_id
    several = configured if isinstance(configured, list | tuple) else [configured]
    known = dict.fromkeys(each for each in (named, *several) if isinstance(each, int))
    return list(known) or [each for each in [tokenizer.eos_token_id] if isinstance(each, int)]


def model_settings(model: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the request, else of the model; a name that is unknown is a ValueError."""
    unknown = sorted(given.keys() - set(MODEL_SETTINGS))
    if unknown:
        raise ValueError(
            f"The following `model_kwargs` are not used by the model: {unknown} "
            f"(known are {', '.join(MODEL_SETTINGS)})"
        )
    configured = {name: getattr(model.generation_config, name, None) for name in MODEL_SETTINGS}
    return {**{name: value for name, value in configured.items() if value is not None}, **given}


class Chooser:
    """Picks tokens as the parameters want: the best one, or one at random with numbers of its own."""

    def __init__(
        self,
        parameters: GenerationParameters,
        *,
        ends: list[int],
        context: list[int],
        encoder_ids: list[int] | None,
        settings: Mapping[str, Any],
        limit: int,
    ) -> None:
        import torch

        self._processors = list(
            _processors(parameters, ends, len(context), encoder_ids, dict(settings), len(context) + limit)
        )
        self._generator: torch.Generator | None = None
        if parameters.sampling:
            self._processors += _sampling_processors(parameters, settings)
            self._generator = torch.Generator()
            if parameters.seed is None:
                self._generator.seed()
            else:
                self._generator.manual_seed(parameters.seed)

    def choose(self, tokens: list[int], scores: torch.Tensor) -> int:
        """The token that follows `tokens`."""
        import torch

        with torch.inference_mode():
            processed = scores.detach().cpu().unsqueeze(0)
            if self._processors:
                ids = torch.tensor([tokens])
                processed = processed.clone()
                for process in self._processors:
                    processed = process(ids, processed)
            if self._generator is None:
                return int(processed.argmax())
            probabilities = torch.softmax(processed[0], dim=-1)
            return int(torch.multinomial(probabilities, 1, generator=self._generator))


def _processors(
    parameters: GenerationParameters,
    ends: list[int],
    start: int,
    encoder_ids: list[int] | None,
    settings: dict[str, Any],
    longest: int,
) -> Iterable[Processor]:
    import transformers as hf

    if encoder_ids is not None:
        yield from _encoder_processors(encoder_ids, settings)
    penalty = parameters.repetition_penalty
    # 0.0 asks for none, whatever the configuration of the model says
    penalty = settings.get("repetition_penalty") if penalty is None else penalty
    if penalty and penalty != 1.0:
        yield hf.RepetitionPenaltyLogitsProcessor(float(penalty))
    if settings.get("sequence_bias"):
        yield hf.SequenceBiasLogitsProcessor(settings["sequence_bias"])
    if settings.get("no_repeat_ngram_size"):
        yield hf.NoRepeatNGramLogitsProcessor(settings["no_repeat_ngram_size"])
    if settings.get("bad_words_ids"):
        yield hf.NoBadWordsLogitsProcessor(settings["bad_words_ids"], eos_token_id=ends or None)
    if ends and parameters.min_new_tokens:
        yield hf.MinNewTokensLengthLogitsProcessor(start, parameters.min_new_tokens, ends)
    if settings.get("forced_bos_token_id") is not None:
        yield hf.ForcedBOSTokenLogitsProcessor(settings["forced_bos_token_id"])
    if settings.get("forced_eos_token_id") is not None:
        yield hf.ForcedEOSTokenLogitsProcessor(longest, settings["forced_eos_token_id"])
    if ends and parameters.decay is not None:
        yield hf.ExponentialDecayLengthPenalty(parameters.decay, ends, start)
    if settings.get("suppress_tokens"):
        yield hf.SuppressTokensLogitsProcessor(settings["suppress_tokens"])
    if settings.get("begin_suppress_tokens"):
        yield hf.SuppressTokensAtBeginLogitsProcessor(settings["begin_suppress_tokens"], start)


def _encoder_processors(encoder_ids: list[int], settings: dict[str, Any]) -> Iterable[Processor]:
    import torch
    import transformers as hf

    ids: Any = torch.tensor([encoder_ids])
    if settings.get("encoder_repetition_penalty", 1.0) != 1.0:
        yield hf.EncoderRepetitionPenaltyLogitsProcessor(settings["encoder_repetition_penalty"], ids)
    if settings.get("encoder_no_repeat_ngram_size"):
        yield hf.EncoderNoRepeatNGramLogitsProcessor(settings["encoder_no_repeat_ngram_size"], ids)


def _sampling_processors(
    parameters: GenerationParameters, settings: Mapping[str, Any]
) -> Iterable[Processor]:
    import transformers as hf

    if parameters.temperature and parameters.temperature != 1.0:
        # What is colder makes numbers that are too large; the most probable token is chosen anyway.
        yield hf.TemperatureLogitsWarper(max(parameters.temperature, 1e-6))
    if parameters.top_k:
        yield hf.TopKLogitsWarper(parameters.top_k)
    if parameters.top_p and parameters.top_p < 1.0:
        yield hf.TopPLogitsWarper(parameters.top_p)
    if parameters.typical_p and parameters.typical_p < 1.0:
        yield hf.TypicalLogitsWarper(parameters.typical_p)
    makers = {
        "min_p": hf.MinPLogitsWarper,
        "epsilon_cutoff": hf.EpsilonLogitsWarper,
        "eta_cutoff": hf.EtaLogitsWarper,
    }
    for name in _ONLY_WHEN_SAMPLING:
        if settings.get(name):
            yield makers[name](settings[name])
