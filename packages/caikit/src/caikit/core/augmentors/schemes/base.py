"""The base class of selection schemes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import alog

from caikit.core.exceptions import error_handler

from ..base import AugmentorBase

log = alog.use_channel("AUGSCHM")
error = error_handler.get(log)


class SchemeBase:
    """Decides how a set of augmentors works together; derived classes define `_execute`."""

    def __init__(self, preserve_order: bool, augmentors: Sequence[AugmentorBase], random_seed: int) -> None:
        error.type_check("<COR72611720E>", bool, preserve_order=preserve_order)
        error.type_check("<COR72611721E>", list, tuple, augmentors=augmentors)
        error.type_check_all("<COR72611722E>", AugmentorBase, augmentors=augmentors)
        error.type_check("<COR72611723E>", int, random_seed=random_seed)
        error.value_check(
            "<COR72611724E>", augmentors, "Must provide at least one augmentor to build a scheme."
        )
        self.augmentors = tuple(augmentors)
        self.preserve_order = preserve_order
        self.random_seed = random_seed
        self._random = random.Random(random_seed)
        self._order = list(range(len(augmentors)))

    def execute(self, obj: Any) -> Any:
        """Apply the scheme to an object, in a new random order unless the order is preserved."""
        if not self.preserve_order:
            self._random.shuffle(self._order)
        return self._execute(obj)

    def reset(self) -> None:
        """Start all random sequences again."""
        for augmentor in self.augmentors:
            augmentor.reset()
        self._random.seed(self.random_seed)
        self._order.sort()

    def _execute(self, obj: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define _execute")


def check_probabilities(probabilities: Sequence[float], augmentors: Sequence[AugmentorBase]) -> None:
    """Raise unless there is one probability in 0..1 for each augmentor."""
    error.type_check("<COR72611725E>", list, tuple, selection_probs=probabilities)
    error.type_check_all("<COR72611726E>", int, float, selection_probs=probabilities)
    error.value_check(
        "<COR72611727E>",
        len(probabilities) == len(augmentors),
        "Number of selection probabilties must match the number of augmentors",
    )
    error.value_check(
        "<COR72611728E>",
        all(0 <= probability <= 1 for probability in probabilities),
        "Selection probabilities must be in the range [0, 1]",
    )
