"""How the two kinds of language models give the probabilities of the next token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch

__all__ = ["CausalSession", "Seq2SeqSession", "Session", "open_session", "virtual_tokens"]


class Session(Protocol):
    """One text in the making."""

    context: list[int]
    """What the model sees as its own output so far; the next token follows it."""

    def start(self) -> torch.Tensor:
        """Scores for what follows each token of the context, of shape [tokens, vocabulary]."""

    def feed(self, token: int) -> torch.Tensor:
        """Take a token; scores for what follows it, of shape [vocabulary]."""


def open_session(model: Any, ids: list[int], prompts: Mapping[str, torch.Tensor]) -> Session:
    """Begin a text; `prompts` are vectors in front of the input of the ENCODER and of the DECODER."""
    if model.config.is_encoder_decoder:
        return Seq2SeqSession(model, ids, prompts)
    return CausalSession(model, ids, prompts.get("DECODER"))


def virtual_tokens(prompts: Mapping[str, torch.Tensor], part: str) -> int:
    return int(prompts[part].shape[0]) if part in prompts else 0


@dataclass(slots=True)
class _Fed:
    """The tokens that a model has seen and what it remembers of them."""

    model: Any
    prompt: torch.Tensor | None
    prefix: str = ""
    tokens: list[int] = field(default_factory=list)
    cache: Any = None

    def arguments(self, tokens: list[int]) -> dict[str, Any]:
        """For the model's next call: the tokens that it has not seen, or all if it remembers nothing."""
        import torch

        begins = self.cache is None
        self.tokens.extend(tokens)
        device = self.model.device
        ids = torch.tensor([self.tokens if begins else tokens], device=device)
        arguments: dict[str, Any] = {"use_cache": True}
        length = len(self.tokens)
        if self.prompt is None:
            arguments[f"{self.prefix}input_ids"] = ids
        else:
            length += self.prompt.shape[0]
            if begins:
                arguments[f"{self.prefix}inputs_embeds"] = with_prompt(self.model, ids, self.prompt)
            else:
                arguments[f"{self.prefix}input_ids"] = ids
        arguments[f"{self.prefix}attention_mask"] = torch.ones((1, length), dtype=torch.long, device=device)
        if not begins:
            arguments["past_key_values"] = self.cache
        return arguments


def with_prompt(model: Any, ids: torch.Tensor, prompt: torch.Tensor) -> torch.Tensor:
    """The vectors of a prompt and of tokens, as input of a model."""
    import torch

    vectors = model.get_input_embeddings()(ids)
    return torch.cat([prompt.to(vectors.device, vectors.dtype).unsqueeze(0), vectors], dim=1)


class CausalSession:
    """A model that continues its input."""

    def __init__(self, model: Any, ids: list[int], prompt: torch.Tensor | None) -> None:
        self.context = list(ids)
        self._model = model
        self._fed = _Fed(model, prompt)

    def start(self) -> torch.Tensor:
        return self._call(self.context)[-len(self.context) :]

    def feed(self, token: int) -> torch.Tensor:
        return self._call([token])[-1]

    def _call(self, tokens: list[int]) -> torch.Tensor:
        import torch

        with torch.inference_mode():
            outputs = self._model(**self._fed.arguments(tokens))
        # Kinds of models that have no such cache see all tokens again.
        self._fed.cache = getattr(outputs, "past_key_values", None)
        logits: torch.Tensor = outputs.logits[0].float()
        return logits


class Seq2SeqSession:
    """A model that reads its input first."""

    def __init__(self, model: Any, ids: list[int], prompts: Mapping[str, torch.Tensor]) -> None:
        self.context = [_decoder_start(model)]
        self._model = model
        self._ids = ids
        self._prompts = prompts
        self._fed = _Fed(model, prompts.get("DECODER"), prefix="decoder_")
        self._encoded: dict[str, Any] = {}

    def start(self) -> torch.Tensor:
        self._encoded = self._encode()
        return self._call(self.context)[-1:]

    def feed(self, token: int) -> torch.Tensor:
        return self._call([token])[-1]

    def _encode(self) -> dict[str, Any]:
        import torch

        ids = torch.tensor([self._ids], device=self._model.device)
        prompt = self._prompts.get("ENCODER")
        with torch.inference_mode():
            given: dict[str, Any] = (
                {"input_ids": ids}
                if prompt is None
                else {"inputs_embeds": with_prompt(self._model, ids, prompt)}
            )
            length = len(self._ids) + virtual_tokens(self._prompts, "ENCODER")
            mask = torch.ones((1, length), dtype=torch.long, device=ids.device)
            outputs = self._model.get_encoder()(**given, attention_mask=mask)
        return {"encoder_outputs": outputs, "attention_mask": mask}

    def _call(self, tokens: list[int]) -> torch.Tensor:
        import torch

        with torch.inference_mode():
            outputs = self._model(**self._encoded, **self._fed.arguments(tokens))
        self._fed.cache = outputs.past_key_values
        logits: torch.Tensor = outputs.logits[0].float()
        return logits


def _decoder_start(model: Any) -> int:
    for config in (model.generation_config, model.config):
        for name in ("decoder_start_token_id", "bos_token_id"):
            token_id = getattr(config, name, None)
            if isinstance(token_id, int):
                return token_id
    raise ValueError(f"The configuration of {type(model).__name__} has no decoder_start_token_id")
