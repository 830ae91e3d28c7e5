"""Tokens as they are told to callers."""

from __future__ import annotations

from caikit.interfaces.nlp.data_model import Token, TokenizationResults

from ...toolkit._tokens import TextTokenizer

__all__ = ["token_results"]


def token_results(tokenizer: TextTokenizer, text: str) -> TokenizationResults:
    """The tokens that stand for a part of the text, and the number of all of them."""
    count, spans = tokenizer.spans(text)
    return TokenizationResults(
        results=[Token(start=start, end=end, text=text[start:end]) for start, end in spans],
        token_count=count,
    )
