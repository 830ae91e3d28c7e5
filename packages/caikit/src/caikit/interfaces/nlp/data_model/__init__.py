"""Data objects for language."""

from __future__ import annotations

from . import (
    classification,
    embedding_vectors,
    package,
    reranker,
    sentence_similarity,
    text,
    text_generation,
)
from .classification import (
    ClassificationResult,
    ClassificationResults,
    ClassificationTrainRecord,
    ClassifiedGeneratedTextResult,
    ClassifiedGeneratedTextStreamResult,
    TokenClassificationResult,
    TokenClassificationResults,
    TokenClassificationStreamResult,
)
from .embedding_vectors import EmbeddingResult, EmbeddingResults
from .package import NLP_PACKAGE
from .reranker import RerankResult, RerankResults, RerankScore, RerankScores
from .sentence_similarity import (
    SentenceSimilarityResult,
    SentenceSimilarityResults,
    SentenceSimilarityScores,
)
from .text import ChunkerTokenizationStreamResult, Token, TokenizationResults, TokenizationStreamResult
from .text_generation import (
    FinishReason,
    GeneratedTextResult,
    GeneratedTextStreamResult,
    GeneratedToken,
    TokenStreamDetails,
)

__all__ = [
    "NLP_PACKAGE",
    "ChunkerTokenizationStreamResult",
    "ClassificationResult",
    "ClassificationResults",
    "ClassificationTrainRecord",
    "ClassifiedGeneratedTextResult",
    "ClassifiedGeneratedTextStreamResult",
    "EmbeddingResult",
    "EmbeddingResults",
    "FinishReason",
    "GeneratedTextResult",
    "GeneratedTextStreamResult",
    "GeneratedToken",
    "RerankResult",
    "RerankResults",
    "RerankScore",
    "RerankScores",
    "SentenceSimilarityResult",
    "SentenceSimilarityResults",
    "SentenceSimilarityScores",
    "Token",
    "TokenClassificationResult",
    "TokenClassificationResults",
    "TokenClassificationStreamResult",
    "TokenStreamDetails",
    "TokenizationResults",
    "TokenizationStreamResult",
    "classification",
    "embedding_vectors",
    "package",
    "reranker",
    "sentence_similarity",
    "text",
    "text_generation",
]
