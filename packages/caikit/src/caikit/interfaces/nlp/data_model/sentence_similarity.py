"""How close sentences are to each other."""

from __future__ import annotations

from typing import Annotated

from caikit.core.data_model import DataObjectBase, FieldNumber, ProducerId, dataobject

from .package import EMBEDDING_PACKAGE


@dataobject(EMBEDDING_PACKAGE)
class SentenceSimilarityScores(DataObjectBase):
    """The scores of one source sentence against all others, in their order; cosines are between -1 and 1."""

    scores: Annotated[list[float], FieldNumber(1)]


@dataobject(EMBEDDING_PACKAGE)
class SentenceSimilarityResult(DataObjectBase):
    """The answer for one source sentence."""

    result: Annotated[SentenceSimilarityScores, FieldNumber(1)]
    producer_id: Annotated[ProducerId, FieldNumber(2)]
    input_token_count: Annotated[int | None, FieldNumber(3)]


@dataobject(EMBEDDING_PACKAGE)
class SentenceSimilarityResults(DataObjectBase):
    """One answer for each source sentence, in order."""

    results: Annotated[list[SentenceSimilarityScores], FieldNumber(1)]
    producer_id: Annotated[ProducerId, FieldNumber(2)]
    input_token_count: Annotated[int | None, FieldNumber(3)]


__all__ = ["SentenceSimilarityResult", "SentenceSimilarityResults", "SentenceSimilarityScores"]
