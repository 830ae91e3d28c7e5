"""Text from a causal language model, at once or token by token."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from queue import Queue
from typing import Any

# What current releases of transformers add to a prompt when the model does not say.
_DEFAULT_NEW_TOKENS = 20


@dataclass
class Generator:
    """A tokenizer and a model, and how much they may say."""

    tokenizer: Any
    model: Any
    new_tokens: int | None = None
    """None: what the model's own settings say."""

    @classmethod
    def from_pretrained(cls, name: str, revision: str | None, new_tokens: int | None = None) -> Generator:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(name, revision=revision)
        return cls(
            tokenizer, AutoModelForCausalLM.from_pretrained(name, revision=revision).eval(), new_tokens
        )

    def generate(self, prompt: Any) -> str:
        """What follows the prompt."""
        import torch

        arguments = self._arguments(prompt)
        with torch.inference_mode():
            (tokens,) = self.model.generate(**arguments)
        return self.decode(tokens[arguments["input_ids"].shape[1] :])

    def stream(self, prompt: Any) -> Iterator[str]:
        """What follows the prompt, piece by piece; closing the iterator ends the work."""
        import torch
        from transformers import StoppingCriteria, TextIteratorStreamer

        stopped = threading.Event()
        failures: Queue[BaseException] = Queue()

        class Stopped(StoppingCriteria):
            def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
                return torch.full((input_ids.shape[0],), stopped.is_set(), device=input_ids.device)

        streamer = TextIteratorStreamer(self.tokenizer, skip_prompt=True, skip_special_tokens=True)

        def work() -> None:
            try:
                with torch.inference_mode():
                    self.model.generate(
                        **self._arguments(prompt), streamer=streamer, stopping_criteria=[Stopped()]
                    )
            except Exception as error:
                failures.put(error)
                streamer.end()

        worker = threading.Thread(target=work, name="text_generation", daemon=True)
        worker.start()
        try:
            yield from filter(None, streamer)
        finally:
            stopped.set()
            worker.join()
        if not failures.empty():
            raise failures.get()

    def decode(self, tokens: Any) -> str:
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True))

    def _arguments(self, prompt: Any) -> dict[str, Any]:
        """Of a prompt that is too long for the model, the end is used."""
        inputs = {name: prompt[name] for name in ("input_ids", "attention_mask")}
        settings = self.model.generation_config
        new = settings.max_new_tokens or self.new_tokens or _DEFAULT_NEW_TOKENS
        room = getattr(self.model.config, "max_position_embeddings", None)
        if room is not None:
            new = min(new, max(room // 2, 1))
            inputs = {name: value[:, -(room - new) :] for name, value in inputs.items()}
        pad = settings.pad_token_id
        if pad is None:
            pad = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else _end(settings)
        length = {} if settings.max_length and not self.new_tokens else {"max_new_tokens": new}
        return {**inputs, **length, "pad_token_id": pad}


def _end(settings: Any) -> int | None:
    end = settings.eos_token_id
    return end[0] if isinstance(end, list) else end


def require_text(text: str) -> str:
    if not text or not text.strip():
        raise ValueError("expected a text as text_in, found an empty one")
    return text
