"""What computes the numbers of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ...toolkit._tokens import TextTokenizer

if TYPE_CHECKING:
    from ...toolkit._batches import Features, Rows

__all__ = ["Engine"]


class Engine(Protocol):
    """A loaded model. All of it may be used by many threads."""

    tokens: TextTokenizer
    max_seq_length: int
    dimension: int
    """The length of a row: of a vector, or the number of scores."""
    on_cpu: bool

    def compute(self, features: Features) -> Rows:
        """One row per text of a padded batch."""

    def save(self, directory: str) -> None:
        """Write the model's own files."""
