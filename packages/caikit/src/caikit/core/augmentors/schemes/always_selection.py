"""Every augmentor, each time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..base import AugmentorBase
from .base import SchemeBase

__all__ = ["AlwaysSelectionScheme"]


class AlwaysSelectionScheme(SchemeBase):
    """Applies all augmentors, one to the result of the other."""

    def __init__(
        self, preserve_order: bool, augmentors: Sequence[AugmentorBase], random_seed: int = 1001
    ) -> None:
        super().__init__(preserve_order, augmentors, random_seed)

    def _execute(self, obj: Any) -> Any:
        for position in self._order:
            obj = self.augmentors[position].augment(obj)
        return obj
