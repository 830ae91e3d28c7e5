"""The short form of a text."""

from __future__ import annotations

from typing import Any

from caikit.core import TaskBase, module, task

from module_ids import SUMMARIZATION

from ..data_model import Text
from ..generation import require_text
from ..hf_base import HFBase


@task(unary_parameters={"text_in": str}, unary_output_type=Text)
class SummarizationTask(TaskBase):
    """Says the same in fewer words."""


@module(SUMMARIZATION, "summarization", "0.0.0", task=SummarizationTask)
class Summarization(HFBase):
    """Wraps an encoder and decoder."""

    DEFAULT_MODEL = "JulesBelveze/t5-small-headline-generator"
    DEFAULT_REVISION = "0db30a2"

    def __init__(self, tokenizer: Any, model: Any) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.model = model

    @classmethod
    def bootstrap(cls, name: str | None, revision: str | None = None) -> Summarization:
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(name, revision=revision)
        return cls(tokenizer, AutoModelForSeq2SeqLM.from_pretrained(name, revision=revision).eval())

    def run(self, text_in: str) -> Text:
        import torch

        inputs = self.tokenizer(require_text(text_in), return_tensors="pt", truncation=True)
        with torch.inference_mode():
            tokens = self.model.generate(inputs["input_ids"], attention_mask=inputs["attention_mask"])
        return Text(self.tokenizer.decode(tokens[0], skip_special_tokens=True))
