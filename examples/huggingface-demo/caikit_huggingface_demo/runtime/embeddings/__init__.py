"""Tasks whose answers are vectors, each with its module."""

from .embeddings import Embeddings, EmbeddingsTask
from .sentence_similarity import SentenceSimilarity, SentenceSimilarityTask

__all__ = ["Embeddings", "EmbeddingsTask", "SentenceSimilarity", "SentenceSimilarityTask"]
