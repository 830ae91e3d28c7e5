"""A stream followed by augmented passes over itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import alog

from caikit.core.augmentors import AugmentorBase
from caikit.core.exceptions import error_handler

log = alog.use_channel("DATSTRM")
error = error_handler.get(log)


def _unchanged(item: Any) -> Any:
    return item


@dataclass(frozen=True)
class Augmentation:
    """All items as they are, then `cycles` times all of them augmented."""

    source: Iterable[Any]
    augmentor: AugmentorBase
    cycles: int
    finish: Callable[[Any], Any] | None
    index: int | None
    deterministic: bool

    def __call__(self) -> Iterator[Any]:
        finish = self.finish or _unchanged
        if self.deterministic:
            self.augmentor.reset()  # an earlier pass may have been abandoned half way
        for position, item in enumerate(self.source):
            if position == 0:
                self.check_item(item)
            yield finish(item)
        for _ in range(self.cycles):
            for item in self.source:
                augmented = self._augmented(item)
                if augmented is not None:
                    yield finish(augmented)
        if self.deterministic:
            self.augmentor.reset()

    def check_item(self, item: Any) -> None:
        """Raise ValueError unless the index fits the kind of the items."""
        is_sequence = isinstance(item, (list, tuple))
        if self.index is not None and not is_sequence:
            error(
                "<COR73207450E>",
                ValueError("augment_index cannot be used unless stream contains lists/tuples"),
            )
        if self.index is None and is_sequence:
            error(
                "<COR73207451E>",
                ValueError("augment_index must be given to augment a stream of lists/tuples"),
            )

    def _augmented(self, item: Any) -> Any:
        if self.index is None:
            return self.augmentor.augment(item)
        if not -len(item) <= self.index < len(item):
            error("<COR73207452E>", IndexError("augment_index is out of bounds of obj in stream"))
        element = self.augmentor.augment(item[self.index])
        if element is None:
            return None
        rebuilt = list(item)
        rebuilt[self.index] = element
        return tuple(rebuilt)
