"""Embeddings, and ranking of documents."""

from __future__ import annotations

from .crossencoder import CrossEncoderModule
from .embedding import EmbeddingModule

__all__ = ["CrossEncoderModule", "EmbeddingModule"]
