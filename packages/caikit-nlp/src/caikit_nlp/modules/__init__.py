"""The modules of the package, by kind."""

from __future__ import annotations

from . import text_classification, text_embedding, text_generation, token_classification, tokenization

__all__ = ["text_classification", "text_embedding", "text_generation", "token_classification", "tokenization"]
