"""From tokenizers of the transformers library to ours."""

from __future__ import annotations

from typing import Any

import alog

from caikit.core.exceptions import error_handler

from ._tokens import TextTokenizer

__all__ = ["text_tokenizer"]

error = error_handler.get(alog.use_channel("NLP-TOKENIZER"))


def text_tokenizer(tokenizer: Any, lower_case: bool = False) -> TextTokenizer:
    """A tokenizer that threads can share, made of one of the transformers library."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        error(
            "<NLP29177013E>",
            TypeError(f"expected a model with a fast tokenizer, got one with {type(tokenizer).__name__}"),
        )
    return TextTokenizer(backend, tokenizer.pad_token_id or 0, lower_case)
