"""Tasks on texts."""

from __future__ import annotations

from collections.abc import Iterable

from caikit.core import TaskBase, task
from caikit.core.data_model.json_dict import JsonDict

from .data_model import (
    ChunkerTokenizationStreamResult,
    ClassificationResults,
    ClassifiedGeneratedTextResult,
    ClassifiedGeneratedTextStreamResult,
    EmbeddingResult,
    EmbeddingResults,
    GeneratedTextResult,
    GeneratedTextStreamResult,
    RerankResult,
    RerankResults,
    SentenceSimilarityResult,
    SentenceSimilarityResults,
    TokenClassificationResults,
    TokenClassificationStreamResult,
    TokenizationResults,
    TokenizationStreamResult,
)


@task(
    unary_parameters={"text": str},
    unary_output_type=GeneratedTextResult,
    streaming_output_type=Iterable[GeneratedTextStreamResult],
)
class TextGenerationTask(TaskBase):
    """Continues a text."""


@task(unary_parameters={"text": str}, unary_output_type=ClassificationResults)
class TextClassificationTask(TaskBase):
    """Gives labels to a text."""


@task(
    unary_parameters={"text": str},
    streaming_parameters={"text_stream": Iterable[str]},
    unary_output_type=TokenClassificationResults,
    streaming_output_type=Iterable[TokenClassificationStreamResult],
)
class TokenClassificationTask(TaskBase):
    """Gives labels to parts of a text."""


@task(
    unary_parameters={"text": str},
    streaming_parameters={"text_stream": Iterable[str]},
    unary_output_type=TokenizationResults,
    streaming_output_type=Iterable[TokenizationStreamResult],
)
class TokenizationTask(TaskBase):
    """Cuts a text into tokens."""


@task(
    unary_parameters={"text": str},
    unary_output_type=ClassifiedGeneratedTextResult,
    streaming_output_type=Iterable[ClassifiedGeneratedTextStreamResult],
)
class ClassificationWithTextGenerationTask(TaskBase):
    """Continues a text and gives labels to parts of both."""


@task(unary_parameters={"text": str}, unary_output_type=EmbeddingResult)
class EmbeddingTask(TaskBase):
    """Makes a vector of a text."""


@task(unary_parameters={"texts": list[str]}, unary_output_type=EmbeddingResults)
class EmbeddingTasks(TaskBase):
    """Makes vectors of texts."""


@task(unary_parameters={"documents": list[JsonDict], "query": str}, unary_output_type=RerankResult)
class RerankTask(TaskBase):
    """Orders documents by their relevance to a query."""


@task(
    unary_parameters={"documents": list[JsonDict], "queries": list[str]},
    unary_output_type=RerankResults,
)
class RerankTasks(TaskBase):
    """Orders documents by their relevance to each of several queries."""


@task(
    unary_parameters={"source_sentence": str, "sentences": list[str]},
    unary_output_type=SentenceSimilarityResult,
)
class SentenceSimilarityTask(TaskBase):
    """Compares a sentence with others."""


@task(
    unary_parameters={"source_sentences": list[str], "sentences": list[str]},
    unary_output_type=SentenceSimilarityResults,
)
class SentenceSimilarityTasks(TaskBase):
    """Compares several sentences with others."""


@task(
    unary_parameters={"text": str},
    streaming_parameters={"text_stream": Iterable[str], "input_index_stream": Iterable[int]},
    unary_output_type=TokenizationResults,
    streaming_output_type=Iterable[ChunkerTokenizationStreamResult],
)
class ChunkerTokenizationTask(TaskBase):
    """Cuts a text into tokens and keeps track of where in the input stream they came from."""


__all__ = [
    "ChunkerTokenizationTask",
    "ClassificationWithTextGenerationTask",
    "EmbeddingTask",
    "EmbeddingTasks",
    "RerankTask",
    "RerankTasks",
    "SentenceSimilarityTask",
    "SentenceSimilarityTasks",
    "TextClassificationTask",
    "TextGenerationTask",
    "TokenClassificationTask",
    "TokenizationTask",
]
