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
    for items in itertools.zip_longest(*sources, fillvalue=_MISSING):
        if any(item is _MISSING for item in items):
            raise ValueError("Failed to zip data streams with different lengths.")
        yield items


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
