"""A partner for a chat."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from caikit.core import TaskBase, module, task

from module_ids import CONVERSATIONAL

from ..data_model import ChatMessage, Text
from ..generation import Generator, require_text
from ..hf_base import HFBase

# A reply of 20 tokens, which models that say nothing about it would give, ends in mid-sentence.
_REPLY_TOKENS = 100


@task(
    unary_parameters={"text_in": str},
    unary_output_type=Text,
    streaming_output_type=Iterable[Text],
)
class ConversationalTask(TaskBase):
    """Replies to what somebody says; as a stream, piece by piece."""


@module(CONVERSATIONAL, "conversational", "0.0.0", task=ConversationalTask)
class Conversational(HFBase):
    """Wraps a causal language model; nothing is remembered between calls, so callers send what was said before."""

    DEFAULT_MODEL = "microsoft/DialoGPT-small"
    DEFAULT_REVISION = "4e936e3a11f8e077b31eec8f045499c92c7cf087"

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    @classmethod
    def bootstrap(cls, name: str | None, revision: str | None = None) -> Conversational:
        return cls(Generator.from_pretrained(str(name), revision, new_tokens=_REPLY_TOKENS))

    @ConversationalTask.taskmethod()
    def run(self, text_in: str, history: list[ChatMessage] | None = None) -> Text:
        return Text(self.generator.generate(self._prompt(text_in, history)))

    @ConversationalTask.taskmethod(output_streaming=True)
    def run_stream_out(self, text_in: str, history: list[ChatMessage] | None = None) -> Iterable[Text]:
        for piece in self.generator.stream(self._prompt(text_in, history)):
            yield Text(piece)

    def _prompt(self, text_in: str, history: list[ChatMessage] | None) -> Any:
        """The chat template of the model; models without one read turns that end with their end token."""
        turns = [*(history or ()), ChatMessage("user", require_text(text_in))]
        tokenizer = self.generator.tokenizer
        if tokenizer.chat_template:
            return tokenizer.apply_chat_template(
                [{"role": turn.role, "content": turn.content} for turn in turns],
                add_generation_prompt=True,
                return_tensors="pt",
                return_dict=True,
            )
        end = tokenizer.eos_token or "\n"
        return tokenizer("".join(f"{turn.content}{end}" for turn in turns), return_tensors="pt")
