"""Making a text, one token after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import alog

from caikit import get_config
from caikit.interfaces.nlp.data_model import FinishReason, GeneratedToken

from ._choice import Chooser, end_tokens, model_settings
from ._input import positions_of, read_prompt
from ._models import open_session, virtual_tokens
from ._text import StopMatcher, TextBuilder, text_of

if TYPE_CHECKING:
    import torch

    from .parameters import GenerationParameters

__all__ = ["Generation", "Piece"]

log = alog.use_channel("GENLOOP")


@dataclass(frozen=True, slots=True)
class Piece:
    """What one token adds to a text."""

    text: str
    tokens: list[GeneratedToken]
    count: int
    finish_reason: FinishReason


class Generation:
    """One text: what the model is given, and the pieces that it makes while someone iterates.

    Everything that is wrong with the request is noticed here, before the first piece. Nothing is computed between
    the pieces: who stops iterating stops the model.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        text: str,
        parameters: GenerationParameters,
        *,
        eos_token: str | None = None,
        prompts: Mapping[str, torch.Tensor] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self._began = time.monotonic()
        self._tokenizer = tokenizer
        self._parameters = parameters
        prompts = prompts or {}
        settings = model_settings(model, extra or {})
        seq2seq = bool(model.config.is_encoder_decoder)
        positions = positions_of(model.config)
        most = positions or get_config().text_generation.max_input_tokens or None
        room = most and most - virtual_tokens(prompts, "ENCODER" if seq2seq else "DECODER")
        prompt = read_prompt(
            tokenizer, text, parameters.truncate_input_tokens or 0, room=room, output=self._output(seq2seq)
        )
        self.input_ids = prompt.ids
        self._causal = not seq2seq
        self._capacity = _capacity(positions, room, prompt.given, prompts, seq2seq)
        self._ends = end_tokens(model, tokenizer, eos_token)
        self._session = open_session(model, prompt.given, prompts)
        self._chooser = Chooser(
            parameters,
            ends=self._ends,
            context=self._session.context,
            encoder_ids=prompt.given if seq2seq else None,
            settings=settings,
            limit=parameters.limit,
        )
        self._first_scores: torch.Tensor | None = None

    @property
    def input_text(self) -> str:
        """What the text begins with, if that is to be preserved and the model continues its input."""
        if not self._parameters.preserve_input_text:
            return ""
        if not self._causal:
            log.debug(
                "<NLP57174511D>", "preserve_input_text has no effect on a model that reads its input first"
            )
            return ""
        return text_of(self._tokenizer, self.input_ids)

    def input_tokens(self) -> list[GeneratedToken] | None:
        """The tokens of the input, if they are asked for."""
        if not self._parameters.input_tokens:
            return None
        scores: list[Any] = [None] * len(self.input_ids)
        if self._causal and self.input_ids:
            # The first token follows nothing, so it has no probability.
            scores = [None, *self._start()[:-1]]
        return [self._token(token, each) for token, each in zip(self.input_ids, scores, strict=True)]

    def __iter__(self) -> Iterator[Piece]:
        parameters = self._parameters
        if parameters.limit == 0:
            yield Piece("", [], 0, FinishReason.MAX_TOKENS)
            return
        tokens = list(self._session.context)
        builder = TextBuilder(self._tokenizer, tokens)
        stops = StopMatcher(
            parameters.stop_sequences or [], included=parameters.include_stop_sequence is not False
        )
        scores = self._start()[-1]
        for count in range(1, parameters.limit + 1):
            token = self._chooser.choose(tokens, scores)
            tokens.append(token)
            ended = token in self._ends
            text = stops.push(
                "" if ended else builder.add(token), active=count >= (parameters.min_new_tokens or 0)
            )
            reason = self._reason(count, ended, stops.stopped)
            if reason not in (FinishReason.NOT_FINISHED, FinishReason.STOP_SEQUENCE):
                text += stops.push(builder.finish(), active=False) + stops.finish()
            yield Piece(text, [self._token(token, scores)], count, reason)
            if reason is not FinishReason.NOT_FINISHED:
                return
            scores = self._session.feed(token)

    def _start(self) -> torch.Tensor:
        if self._first_scores is None:
            self._first_scores = self._session.start()
        return self._first_scores

    def _output(self, seq2seq: bool) -> int:
        """Tokens of the output that take room from the input."""
        return 0 if seq2seq else self._parameters.limit

    def _reason(self, count: int, ended: bool, stopped: bool) -> FinishReason:
        if ended:
            return FinishReason.EOS_TOKEN
        if stopped:
            return FinishReason.STOP_SEQUENCE
        if count >= self._parameters.limit:
            return FinishReason.MAX_TOKENS
        if self._capacity is not None and count >= self._capacity:
            return FinishReason.TOKEN_LIMIT
        longest = self._parameters.max_time
        if longest and time.monotonic() - self._began >= longest:
            return FinishReason.TIME_LIMIT
        return FinishReason.NOT_FINISHED

    def _token(self, token: int, scores: torch.Tensor | None) -> GeneratedToken:
        """A token with the details that are asked for: how probable the model finds it, whatever the parameters."""
        logprob = rank = None
        if scores is not None and self._parameters.token_logprobs:
            logprob = float(scores.log_softmax(dim=-1)[token])
        if scores is not None and self._parameters.token_ranks:
            rank = 1 + int((scores > scores[token]).sum())
        return GeneratedToken(text=self._tokenizer.convert_ids_to_tokens(token), logprob=logprob, rank=rank)


def _capacity(
    positions: int | None,
    room: int | None,
    given: list[int],
    prompts: Mapping[str, torch.Tensor],
    seq2seq: bool,
) -> int | None:
    """The most tokens that the model can make; the last one is not fed, so it takes no position."""
    if positions is None or room is None:
        return None
    return positions - virtual_tokens(prompts, "DECODER") if seq2seq else room - len(given) + 1
