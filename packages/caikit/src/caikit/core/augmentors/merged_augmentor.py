"""Several augmentors in the place of one."""

from __future__ import annotations

from typing import Any

import alog

from caikit.core.exceptions import error_handler

from .base import AugmentorBase
from .schemes import SchemeBase

__all__ = ["MergedAugmentor"]

log = alog.use_channel("AUGMERG")
error = error_handler.get(log)


class MergedAugmentor(AugmentorBase):
    """Augments as a selection scheme says."""

    augmentor_type: type  # type: ignore[misc]  # that of the merged augmentors, known per object

    def __init__(self, scheme: SchemeBase) -> None:
        error.type_check("<COR72611710E>", SchemeBase, scheme=scheme)
        types = {augmentor.augmentor_type for augmentor in scheme.augmentors}
        error.value_check(
            "<COR72611711E>", len(types) == 1, "Cannot merge augmentors with differing augmentor types"
        )
        error.value_check(
            "<COR72611712E>",
            not any(augmentor.produces_none for augmentor in scheme.augmentors),
            "Cannot merge augmentors that produces <None> outputs",
        )
        super().__init__(random_seed=scheme.random_seed)
        self.augmentor_type = types.pop()
        self._scheme = scheme

    def reset(self) -> None:
        super().reset()
        self._scheme.reset()

    def _augment(self, obj: Any) -> Any:
        return self._scheme.execute(obj)
