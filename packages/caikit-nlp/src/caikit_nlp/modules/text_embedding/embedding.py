"""Vectors of texts, and what can be done with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import alog

from caikit.core import module
from caikit.core.exceptions import error_handler
from caikit.interfaces.common.data_model.vectors import ListOfVector1D, Vector1D
from caikit.interfaces.nlp.data_model import (
    EmbeddingResult,
    EmbeddingResults,
    SentenceSimilarityResult,
    SentenceSimilarityResults,
    SentenceSimilarityScores,
)
from caikit.interfaces.nlp.tasks import (
    EmbeddingTask,
    EmbeddingTasks,
    RerankTask,
    RerankTasks,
    SentenceSimilarityTask,
    SentenceSimilarityTasks,
    TokenizationTask,
)

from ...toolkit._tokens import Encoded
from ._limits import Limit, text_limit
from ._pooling import normalized
from ._text_model import TextModel

if TYPE_CHECKING:
    from ...toolkit._batches import Rows

__all__ = ["EmbeddingModule"]

error = error_handler.get(alog.use_channel("TXT_EMB"))


@module(
    "eeb12558-b4fa-4f34-a9fd-3f5890e9cd3f",
    "EmbeddingModule",
    "0.0.1",
    tasks=[
        EmbeddingTask,
        EmbeddingTasks,
        SentenceSimilarityTask,
        SentenceSimilarityTasks,
        RerankTask,
        RerankTasks,
        TokenizationTask,
    ],
)
class EmbeddingModule(TextModel):
    """Embeddings by a sentence-transformers model, computed by torch or by ONNX Runtime.

    `truncate_input_tokens` says how many tokens of a text count: below 0 as many as the model takes, 0 the same, but
    longer texts are refused, and n the first n, without the special ones at both ends.
    """

    KIND = "SentenceTransformer"

    @property
    def public_model_info(self) -> dict[str, Any]:
        """The most tokens of a text and the length of a vector."""
        return {
            "max_seq_length": self._engine.max_seq_length,
            "sentence_embedding_dimension": self._engine.dimension,
        }

    @EmbeddingTask.taskmethod()
    def run(self, text: str, truncate_input_tokens: int | None = 0) -> EmbeddingResult:
        """The vector of a text."""
        return self.run_embedding(text, truncate_input_tokens)

    def run_embedding(self, text: str, truncate_input_tokens: int | None = 0) -> EmbeddingResult:
        """The vector of a text."""
        error.type_check("<NLP27491611E>", str, text=text)
        encoded = self._encode([text], truncate_input_tokens, listed=False)
        return self._embedding(self._rows(encoded)[0], len(encoded[0]))

    def run_batch(  # type: ignore[override]  # what `run` takes, in lists
        self, text: list[str], truncate_input_tokens: list[int | None] | int | None = 0
    ) -> list[EmbeddingResult | Exception]:
        """The results for several requests, computed together; a text that is refused has its error there."""
        limits = truncate_input_tokens
        each = limits if isinstance(limits, list) else [limits] * len(text)
        found: list[EmbeddingResult | Exception] = []
        accepted: list[Encoded] = []
        for one, limit in zip(text, each, strict=True):
            try:
                error.type_check("<NLP27491612E>", str, text=one)
                accepted += self._encode([one], limit, listed=False)
            except (TypeError, ValueError) as refusal:
                found.append(refusal)
            else:
                # Its place; the vector comes when all are known.
                found.append(self._embedding(None, len(accepted[-1])))
        vectors = iter(self._rows(accepted))
        for result in found:
            if isinstance(result, EmbeddingResult):
                result.result = Vector1D.from_vector(next(vectors))
        return found

    @EmbeddingTasks.taskmethod()
    def run_embeddings(self, texts: list[str], truncate_input_tokens: int | None = 0) -> EmbeddingResults:
        """The vectors of texts, in order."""
        given: Any = texts
        listed = [given] if isinstance(given, str) else given
        error.type_check("<NLP27491613E>", list, texts=listed)
        encoded = self._encode(listed, truncate_input_tokens)
        return EmbeddingResults(
            results=ListOfVector1D([Vector1D.from_vector(row) for row in self._rows(encoded)]),
            producer_id=self.PRODUCER_ID,
            input_token_count=_count(encoded),
        )

    @SentenceSimilarityTask.taskmethod()
    def run_sentence_similarity(
        self, source_sentence: str, sentences: list[str], truncate_input_tokens: int | None = 0
    ) -> SentenceSimilarityResult:
        """The cosine of a sentence with each of others."""
        error.type_check("<NLP27491614E>", str, source_sentence=source_sentence)
        source = self._encode([source_sentence], truncate_input_tokens, listed=False)
        cosines, count = self._cosines(source, self._encode(sentences, truncate_input_tokens))
        return SentenceSimilarityResult(
            result=SentenceSimilarityScores(cosines[0].tolist()),
            producer_id=self.PRODUCER_ID,
            input_token_count=count,
        )

    @SentenceSimilarityTasks.taskmethod()
    def run_sentence_similarities(
        self, source_sentences: list[str], sentences: list[str], truncate_input_tokens: int | None = 0
    ) -> SentenceSimilarityResults:
        """The cosines of each of several sentences with each of others."""
        sources = self._encode(source_sentences, truncate_input_tokens)
        cosines, count = self._cosines(sources, self._encode(sentences, truncate_input_tokens))
        return SentenceSimilarityResults(
            results=[SentenceSimilarityScores(row.tolist()) for row in cosines],
            producer_id=self.PRODUCER_ID,
            input_token_count=count,
        )

    def _scores(
        self, queries: list[str], texts: list[str], truncate_input_tokens: int | None
    ) -> tuple[Rows, int]:
        encoded = self._encode(queries, truncate_input_tokens)
        return self._cosines(encoded, self._encode(texts, truncate_input_tokens))

    def _encode(self, texts: Sequence[str], requested: int | None, listed: bool = True) -> list[Encoded]:
        """The tokens of texts; `listed`: the caller has a list, so errors name positions in it."""
        error.type_check_all("<NLP27491615E>", str, texts=texts)
        limit = self._limit(requested)
        stripped = [text.strip() for text in texts]
        encoded = self._engine.tokens.encode(stripped, [limit.tokens] * len(texts))
        limit.check(encoded, range(len(texts)) if listed else None)
        return encoded

    def _limit(self, requested: int | None) -> Limit:
        return text_limit(
            requested,
            self._engine.max_seq_length,
            self._engine.tokens.specials,
            self._settings.implicit_truncation_errors,
        )

    def _cosines(self, sources: list[Encoded], others: list[Encoded]) -> tuple[Rows, int]:
        """One row per source, one column per other text; and the number of all tokens."""
        together = [*sources, *others]
        if not together:
            return self._rows(together), 0
        vectors = normalized(self._rows(together))
        cosines: Rows = vectors[: len(sources)] @ vectors[len(sources) :].T
        return cosines, _count(together)

    def _embedding(self, vector: Any, count: int) -> EmbeddingResult:
        return EmbeddingResult(
            result=None if vector is None else Vector1D.from_vector(vector),
            producer_id=self.PRODUCER_ID,
            input_token_count=count,
        )


def _count(encoded: Sequence[Encoded]) -> int:
    return sum(map(len, encoded))
