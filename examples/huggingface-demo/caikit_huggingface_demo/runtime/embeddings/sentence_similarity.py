"""A vector for each of several sentences, to be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caikit.core import TaskBase, module, task

from module_ids import SENTENCE_SIMILARITY

from ..data_model import EmbeddingsPair, Result
from ..hf_base import HFBase

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


@task(unary_parameters={"sentences": list[str]}, unary_output_type=Result)
class SentenceSimilarityTask(TaskBase):
    """Turns sentences into vectors that point in similar directions if the sentences mean similar things."""


@module(SENTENCE_SIMILARITY, "sentence-similarity", "0.0.0", task=SentenceSimilarityTask)
class SentenceSimilarity(HFBase):
    """Wraps a sentence transformer."""

    DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"

    def __init__(self, encoder: SentenceTransformer) -> None:
        super().__init__()
        self.encoder = encoder

    @classmethod
    def bootstrap(cls, name: str | None, revision: str | None = None) -> SentenceSimilarity:
        from sentence_transformers import SentenceTransformer

        return cls(SentenceTransformer(name, revision=revision))

    def run(self, sentences: list[str]) -> Result:
        if not sentences:
            raise ValueError("expected at least one sentence, got none")
        vectors = self.encoder.encode(sentences, show_progress_bar=False).tolist()
        return Result([EmbeddingsPair(index, vector) for index, vector in enumerate(vectors)])
