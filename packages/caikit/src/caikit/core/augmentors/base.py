"""The base class of augmentors."""

from __future__ import annotations

from typing import Any, ClassVar

import alog

from caikit.core.exceptions import error_handler

from ._own_random import OwnRandom

__all__ = ["AugmentorBase"]

log = alog.use_channel("AUGBASE")
error = error_handler.get(log)


class AugmentorBase:
    """Makes a new object out of one, of the same type.

    Derived classes set `augmentor_type` and define `_augment`. What `_augment` draws from the `random`
    module comes from a sequence of the augmentor's own, which `reset` starts again; the rest of the
    program keeps its random numbers.
    """

    augmentor_type: ClassVar[type]

    def __init__(self, random_seed: int | None, produces_none: bool | None = False) -> None:
        error.type_check("<COR72611700E>", int, allow_none=True, random_seed=random_seed)
        error.type_check("<COR72611701E>", bool, allow_none=True, produces_none=produces_none)
        self.produces_none = produces_none
        self._random = OwnRandom(random_seed)

    def augment(self, obj: Any) -> Any:
        """The augmented object; None only if the augmentor `produces_none`."""
        self._check_type("Input", obj)
        with self._random.lent_to_module():
            augmented = self._augment(obj)
        if augmented is not None or not self.produces_none:
            self._check_type("Output", augmented)
        return augmented

    def reset(self) -> None:
        """Start the random sequence again."""
        self._random.reset()

    def _augment(self, obj: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define _augment")

    def _check_type(self, role: str, obj: Any) -> None:
        if not isinstance(obj, self.augmentor_type):
            message = f"{role} type [{type(obj)}] is misaligned with augmentor type [{self.augmentor_type}]"
            error("<COR72611702E>", TypeError(message))
