"""Tokens of a text."""

from __future__ import annotations

from typing import Annotated

from caikit.core.data_model import DataObjectBase, FieldNumber, dataobject

from .package import NLP_PACKAGE


@dataobject(NLP_PACKAGE)
class Token(DataObjectBase):
    """A piece of a text: the characters from `start` up to `end`."""

    start: Annotated[int, FieldNumber(1)]
    end: Annotated[int, FieldNumber(2)]
    text: Annotated[str, FieldNumber(3)]


@dataobject(NLP_PACKAGE)
class TokenizationResults(DataObjectBase):
    """The tokens of a text, and how many there are (0 or None: not counted)."""

    results: Annotated[list[Token] | None, FieldNumber(1)]
    token_count: Annotated[int | None, FieldNumber(4)]


@dataobject(NLP_PACKAGE)
class TokenizationStreamResult(TokenizationResults):
    """The tokens of a stretch of a streamed text, from `start_index` to `processed_index`."""

    processed_index: Annotated[int, FieldNumber(2)]
    start_index: Annotated[int, FieldNumber(3)]


@dataobject(NLP_PACKAGE)
class ChunkerTokenizationStreamResult(TokenizationStreamResult):
    """Tokens together with the range of the input stream that they came from."""

    input_start_index: Annotated[int, FieldNumber(20)]
    input_end_index: Annotated[int, FieldNumber(21)]


__all__ = [
    "ChunkerTokenizationStreamResult",
    "Token",
    "TokenizationResults",
    "TokenizationStreamResult",
]
