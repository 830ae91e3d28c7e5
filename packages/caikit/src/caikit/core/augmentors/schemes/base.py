"""The base class of selection schemes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import alog

from caikit.core.exceptions import error_handler

from ..base import AugmentorBase

__all__ = ["SchemeBase"]

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
