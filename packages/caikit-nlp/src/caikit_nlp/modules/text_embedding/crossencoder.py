"""Ranking by models that read a query together with a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import alog

from caikit.core import module
from caikit.core.exceptions import error_handler
from caikit.interfaces.nlp.tasks import RerankTask, RerankTasks, TokenizationTask

from ._limits import pair_limit
from ._text_model import TextModel

if TYPE_CHECKING:
    from ...toolkit._batches import Rows

__all__ = ["CrossEncoderModule"]

error = error_handler.get(alog.use_channel("CROSS_ENC"))


@module(
    "1673f8f2-726f-48cb-93a1-540c81f0f3c9",
    "CrossEncoderModule",
    "0.0.1",
    tasks=[RerankTask, RerankTasks, TokenizationTask],
)
class CrossEncoderModule(TextModel):
    """Rerank by a sentence-transformers cross-encoder with one score, computed by torch or by ONNX Runtime.

    `truncate_input_tokens` says how many tokens of a pair count, special ones included: below 0 as many as the model
    takes, and 0 the same, but longer pairs are refused.
    """

    KIND = "CrossEncoder"

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        error.value_check(
            "<NLP91035771E>",
            self._engine.dimension == 1,
            "expected a cross-encoder with one score, got one with {}",
            self._engine.dimension,
        )

    @property
    def public_model_info(self) -> dict[str, Any]:
        """The most tokens of a pair."""
        return {"max_seq_length": self._engine.max_seq_length}

    def _scores(
        self, queries: list[str], texts: list[str], truncate_input_tokens: int | None
    ) -> tuple[Rows, int]:
        engine = self._engine
        limit = pair_limit(
            truncate_input_tokens, engine.max_seq_length, self._settings.implicit_truncation_errors
        )
        pairs = [(query.strip(), text.strip()) for query in queries for text in texts]
        encoded = engine.tokens.encode_pairs(pairs, limit.tokens)
        limit.check(encoded, [*range(len(texts))] * len(queries))
        return self._rows(encoded).reshape(len(queries), len(texts)), sum(map(len, encoded))
