"""The generators behind the transformations of a data stream.

They are functions of a module, so that a stream made of them can be pickled.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator
from typing import Any

_MISSING = object()


def flattened(source: Iterable[Iterable[Any]]) -> Iterator[Any]:
    return itertools.chain.from_iterable(source)


def chained(sources: tuple[Iterable[Any], ...]) -> Iterator[Any]:
    return itertools.chain.from_iterable(sources)


def zipped(sources: tuple[Iterable[Any], ...]) -> Iterator[tuple[Any, ...]]:
    if not sources:
        return
    first_ended = False

    def items_of_first() -> Iterator[Any]:
        nonlocal first_ended
        yield from sources[0]
        first_ended = True

    others = [iter(source) for source in sources[1:]]
    yield from zip(items_of_first(), *others)  # noqa: B905 - strict would hide which ValueError is meant
    # `zip` asks in order: the others were not asked again only if the first one ended.
    if not first_ended or any(next(other, _MISSING) is not _MISSING for other in others):
        raise ValueError("Failed to zip data streams with different lengths.")


def split(source: Iterable[Any], test_split: float, seed: int, is_train: bool) -> Iterator[Any]:
    draw = random.Random(seed).random
    return (item for item in source if (draw() > test_split) == is_train)


def shuffled(source: Iterable[Any], buffer_size: int, seed: int) -> Iterator[Any]:
    """Emit a random item of a full buffer for each new one, then the shuffled rest."""
    generator = random.Random(seed)
    items = iter(source)
    buffer = list(itertools.islice(items, buffer_size))
    for item in items:
        slot = generator.randint(0, buffer_size - 1)
        yield buffer[slot]
        buffer[slot] = item
    generator.shuffle(buffer)
    yield from buffer
