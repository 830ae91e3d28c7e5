"""Each augmentor with a probability of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..base import AugmentorBase
from ._probabilities import check_probabilities
from .base import SchemeBase

__all__ = ["RandomMultiSelectionScheme"]


class RandomMultiSelectionScheme(SchemeBase):
    """Applies those augmentors that chance selects: none, some or all of them."""

    def __init__(
        self,
        preserve_order: bool,
        selection_probs: Sequence[float],
        augmentors: Sequence[AugmentorBase],
        random_seed: int = 1001,
    ) -> None:
        super().__init__(preserve_order, augmentors, random_seed)
        check_probabilities(selection_probs, augmentors)
        self.selection_probs = tuple(selection_probs)

    def _execute(self, obj: Any) -> Any:
        for position in self._order:
            if self._random.random() <= self.selection_probs[position]:
                obj = self.augmentors[position].augment(obj)
        return obj
