"""Documents in the order of their relevance to a query."""

from __future__ import annotations

from typing import Annotated

from caikit.core.data_model import DataObjectBase, FieldNumber, ProducerId, dataobject
from caikit.core.data_model.json_dict import JsonDict

from .package import EMBEDDING_PACKAGE


@dataobject(EMBEDDING_PACKAGE)
class RerankScore(DataObjectBase):
    """A document, its place in the request, counted from 0, and its score; the higher, the more relevant.

    `document` and `text` are there if the request asks for them.
    """

    document: Annotated[JsonDict | None, FieldNumber(1)]
    index: Annotated[int, FieldNumber(2)]
    score: Annotated[float, FieldNumber(3)]
    text: Annotated[str | None, FieldNumber(4)]


@dataobject(EMBEDDING_PACKAGE)
class RerankScores(DataObjectBase):
    """The documents for one query, the best one first."""

    query: Annotated[str | None, FieldNumber(1)]
    scores: Annotated[list[RerankScore], FieldNumber(2)]


@dataobject(EMBEDDING_PACKAGE)
class RerankResult(DataObjectBase):
    """The answer to one query."""

    result: Annotated[RerankScores, FieldNumber(1)]
    producer_id: Annotated[ProducerId, FieldNumber(2)]
    input_token_count: Annotated[int | None, FieldNumber(3)]


@dataobject(EMBEDDING_PACKAGE)
class RerankResults(DataObjectBase):
    """One answer for each query, in order."""

    results: Annotated[list[RerankScores], FieldNumber(1)]
    producer_id: Annotated[ProducerId, FieldNumber(2)]
    input_token_count: Annotated[int | None, FieldNumber(3)]


__all__ = ["RerankResult", "RerankResults", "RerankScore", "RerankScores"]
