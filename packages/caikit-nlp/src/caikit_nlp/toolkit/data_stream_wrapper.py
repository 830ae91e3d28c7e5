"""Streams as data sets of torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch.utils.data import IterableDataset

from caikit.core.data_model import DataStream

__all__ = ["SimpleIterableStreamWrapper"]


class SimpleIterableStreamWrapper(IterableDataset[Any]):
    """Reads a stream anew in each epoch, in another order each time if it is shuffled."""

    def __init__(self, stream: DataStream[Any], shuffle: bool = False, seed: int = 73) -> None:
        self._stream = stream
        self._shuffle = shuffle
        self._seed = seed
        self._passes = 0
        self._length = len(stream)

    def __iter__(self) -> Iterator[Any]:
        stream = self._stream
        if self._shuffle:
            stream = stream.shuffle(self._length, seed=self._seed + self._passes)
        self._passes += 1
        return iter(stream)

    def __len__(self) -> int:
        return self._length
