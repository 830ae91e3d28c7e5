"""Texts as vectors."""

from __future__ import annotations

from typing import Annotated

from caikit.core.data_model import DataObjectBase, FieldNumber, ProducerId, dataobject

from ...common.data_model.vectors import ListOfVector1D, Vector1D
from .package import EMBEDDING_PACKAGE


@dataobject(EMBEDDING_PACKAGE)
class EmbeddingResult(DataObjectBase):
    """The vector of one text; `input_token_count` is the number of its tokens (0 or None: not counted)."""

    result: Annotated[Vector1D, FieldNumber(1)]
    producer_id: Annotated[ProducerId, FieldNumber(2)]
    input_token_count: Annotated[int | None, FieldNumber(3)]


@dataobject(EMBEDDING_PACKAGE)
class EmbeddingResults(DataObjectBase):
    """One vector for each text, in order; `input_token_count` is the number of tokens of all of them."""

    results: Annotated[ListOfVector1D, FieldNumber(1)]
    producer_id: Annotated[ProducerId, FieldNumber(2)]
    input_token_count: Annotated[int | None, FieldNumber(3)]


__all__ = ["EmbeddingResult", "EmbeddingResults"]
