"""Vectors of tokens or sentences."""

from caikit.core import DataObjectBase, dataobject


@dataobject
class EmbeddingsPair(DataObjectBase):
    """A vector, and the token id or the index of the sentence that it belongs to."""

    input: int
    output: list[float]


@dataobject
class Result(DataObjectBase):
    output: list[EmbeddingsPair]
