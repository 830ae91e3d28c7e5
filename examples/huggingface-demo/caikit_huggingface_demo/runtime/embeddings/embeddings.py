"""A vector for each token of a text."""

from __future__ import annotations

from typing import Any

from caikit.core import TaskBase, module, task

from module_ids import EMBEDDINGS

from ..data_model import EmbeddingsPair, Result
from ..hf_base import HFBase


@task(unary_parameters={"text_in": str}, unary_output_type=Result)
class EmbeddingsTask(TaskBase):
    """Shows what a model makes of each token."""


@module(EMBEDDINGS, "embeddings", "0.0.0", task=EmbeddingsTask)
class Embeddings(HFBase):
    """Wraps an encoder; the vectors are its last hidden state."""

    DEFAULT_MODEL = "distilbert-base-uncased"
    DEFAULT_REVISION = "1c4513b2eedbda136f57676a34eea67aba266e5c"

    def __init__(self, tokenizer: Any, model: Any) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.model = model

    @classmethod
    def bootstrap(cls, name: str | None, revision: str | None = None) -> Embeddings:
        from transformers import AutoModel, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(name, revision=revision)
        return cls(tokenizer, AutoModel.from_pretrained(name, revision=revision).eval())

    def run(self, text_in: str) -> Result:
        import torch

        inputs = self.tokenizer(text_in, return_tensors="pt", truncation=True)
        with torch.inference_mode():
            states = self.model(**inputs).last_hidden_state[0]
        tokens = inputs["input_ids"][0].tolist()
        return Result(
            [EmbeddingsPair(token, state) for token, state in zip(tokens, states.tolist(), strict=True)]
        )
