"""The embedding module of caikit-nlp, which also tells how much CPU time its model took."""

from __future__ import annotations

from typing import Any

from embedding_times import ModelTime

from caikit.core import module
from caikit.interfaces.nlp.tasks import EmbeddingTask
from caikit_nlp.modules.text_embedding import EmbeddingModule


@module("0f6a2f0e-9a5b-4c55-8a5e-1d3f6a1f4e77", "Measured embeddings", "1.0.0", base_module=EmbeddingModule)
class MeasuredEmbeddings(EmbeddingModule):
    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self._time = ModelTime()
        self._time.watch(model)

    @property
    def public_model_info(self) -> dict[str, Any]:
        return {"cpu_seconds": self._time.seconds, "tokens": self._time.tokens, "padded": self._time.padded}


__all__ = ["EmbeddingTask", "MeasuredEmbeddings"]
