"""One augmentor out of several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import alog

from caikit.core.exceptions import error_handler

from ..base import AugmentorBase
from ._probabilities import check_probabilities
from .base import SchemeBase

__all__ = ["RandomSingleSelectionScheme"]

log = alog.use_channel("AUGSNGL")
error = error_handler.get(log)


class RandomSingleSelectionScheme(SchemeBase):
    """Applies exactly one augmentor, chosen by weight."""

    def __init__(
        self,
        selection_probs: Sequence[float],
        augmentors: Sequence[AugmentorBase],
        random_seed: int = 1001,
    ) -> None:
        super().__init__(True, augmentors, random_seed)
        check_probabilities(selection_probs, augmentors)
        error.value_check(
            "<COR72611730E>",
            math.isclose(sum(selection_probs), 1.0),
            "Selection probabilities must sum up to one to create a single selection scheme",
        )
        self.selection_probs = tuple(selection_probs)

    def _execute(self, obj: Any) -> Any:
        return self._random.choices(self.augmentors, weights=self.selection_probs)[0].augment(obj)
