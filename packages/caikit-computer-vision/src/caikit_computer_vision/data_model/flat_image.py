"""Images as plain numbers, for callers that have no image file; the bytes of a PNG or JPEG file are far smaller."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np

from caikit.core.data_model import DataObjectBase, FieldNumber, dataobject

from .package import VISION_LIBRARY_PACKAGE


@dataobject(VISION_LIBRARY_PACKAGE)
class FlatChannel(DataObjectBase):
    """One channel of an image, row by row, each value between 0 and 255."""

    values: Annotated[list[np.uint32], FieldNumber(1)]

    def __post_init__(self) -> None:
        if self.values is None:
            raise TypeError("expected values in a FlatChannel, got none")
        numbers = _integers(self.values, "the values of a FlatChannel")
        if numbers.size and not 0 <= numbers.min() <= numbers.max() <= 255:
            found = f"values from {numbers.min()} to {numbers.max()}"
            raise ValueError(f"expected values from 0 to 255 in a FlatChannel, got {found}")


@dataobject(VISION_LIBRARY_PACKAGE)
class FlatImage(DataObjectBase):
    """The channels of an image, and its shape: rows, columns and the number of channels."""

    flat_channels: Annotated[list[FlatChannel], FieldNumber(1)]
    image_shape: Annotated[list[np.uint32], FieldNumber(2)]

    def __post_init__(self) -> None:
        if self.flat_channels is None or self.image_shape is None:
            raise TypeError("expected flat_channels and image_shape in a FlatImage")
        shape = _integers(self.image_shape, "the image_shape of a FlatImage").tolist()
        if len(shape) != 3 or min(shape) < 1:
            raise ValueError(f"expected rows, columns and channels as the shape of a FlatImage, got {shape}")
        lengths = [len(channel.values) for channel in self.flat_channels]
        if lengths != [math.prod(shape[:2])] * shape[2]:
            found = f"{len(lengths)} of the lengths {sorted(set(lengths))}"
            expected = f"{shape[2]} channels of {math.prod(shape[:2])} values"
            raise ValueError(f"expected {expected} for the shape {shape} of a FlatImage, got {found}")

    @classmethod
    def from_numpy(cls, array: np.ndarray[Any, Any]) -> FlatImage:
        """From rows, columns and channels; rows and columns alone have one channel."""
        if not isinstance(array, np.ndarray) or array.ndim not in (2, 3):
            found = f"the shape {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
            raise ValueError(f"expected an array of rows, columns and channels for a FlatImage, got {found}")
        channels = array.reshape(*array.shape[:2], -1)
        values = [channels[:, :, number].ravel().tolist() for number in range(channels.shape[2])]
        return cls([FlatChannel(each) for each in values], list(channels.shape))

    def to_numpy(self) -> np.ndarray[Any, Any]:
        """Rows, columns and channels of uint8."""
        rows, columns = list(self.image_shape)[:2]
        channels = [np.asarray(channel.values, dtype=np.uint8) for channel in self.flat_channels]
        return np.stack(channels, axis=-1).reshape(int(rows), int(columns), -1)


def _integers(values: Any, what: str) -> np.ndarray[Any, Any]:
    numbers = np.asarray(values)
    if numbers.size and (numbers.dtype.kind not in "iu" or numbers.ndim != 1):
        raise TypeError(f"expected a list of whole numbers as {what}, got {numbers.dtype} values")
    return numbers.astype(np.int64) if not numbers.size else numbers


__all__ = ["FlatChannel", "FlatImage"]
