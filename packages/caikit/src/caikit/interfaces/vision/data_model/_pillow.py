"""Images between bytes, Pillow and arrays.

Errors:
    InvalidImageError: the bytes are no image, or a broken one; a ValueError as well as Pillow's own error.
"""

from __future__ import annotations

import io
from typing import Any

import alog
import numpy as np
import PIL.Image

from caikit.core.data_model.data_backends import DataModelBackendBase
from caikit.core.exceptions import error_handler

log = alog.use_channel("IMAGE")
error = error_handler.get(log)

_DEFAULT_FORMAT = "PNG"


class InvalidImageError(PIL.UnidentifiedImageError, ValueError):
    """Bytes that are no image that Pillow reads."""


class PillowBackend(DataModelBackendBase):
    """An image that is encoded when its bytes are read."""

    def __init__(self, picture: PIL.Image.Image) -> None:
        self.picture = picture
        self._data: bytes | None = None

    def get_attribute(self, data_model_class: type[Any], name: str) -> bytes:
        if self._data is None:
            self._data = encode(self.picture)
        return self._data

    def cache_attribute(self, name: str, value: Any) -> bool:
        # Kept here: bytes in the object itself are those that somebody has assigned.
        return False


def open_picture(data: bytes) -> PIL.Image.Image:
    """The image in the bytes of a file, of which only the header is decoded."""
    try:
        return PIL.Image.open(io.BytesIO(data), formats=_readable())
    except PIL.UnidentifiedImageError:
        found = f"{len(data)} bytes in a format that Pillow does not know"
        error("<COR73134229E>", InvalidImageError(f"expected the bytes of an image, got {found}"))
    except Exception as refused:
        # Readers of damaged headers raise whatever they stumble over.
        error("<COR73134233E>", InvalidImageError(f"expected the bytes of an image: {refused}"))


def picture_of(source: Any) -> PIL.Image.Image | None:
    """The image of a PIL image or an array, None for everything else."""
    if isinstance(source, PIL.Image.Image):
        # The file behind it may be closed before somebody needs the pixels.
        source.load()
        return source
    return _picture_of_array(source) if isinstance(source, np.ndarray) else None


def _picture_of_array(array: Any) -> PIL.Image.Image:
    if array.dtype != np.uint8:
        error("<COR73134226E>", ValueError(f"expected an array of uint8 for an image, got {array.dtype}"))
    flat = array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array
    if flat.ndim not in (2, 3) or not flat.size or (flat.ndim == 3 and flat.shape[2] > 4):
        message = f"expected rows, columns and up to four channels for an image, got the shape {array.shape}"
        error("<COR73134230E>", ValueError(message))
    return PIL.Image.fromarray(flat)


def encode(picture: PIL.Image.Image) -> bytes:
    """The image in its own format, in PNG if it has none or one that Pillow only reads."""
    name = picture.format if picture.format in _writable() else _DEFAULT_FORMAT
    options: dict[str, Any] = {"quality": "keep"} if name == "JPEG" else {}
    buffer = io.BytesIO()
    try:
        picture.save(buffer, format=name, **options)
    except OSError as refused:
        message = f"expected an image that {name} can hold, got the mode {picture.mode}: {refused}"
        error("<COR73134231E>", ValueError(message))
    return buffer.getvalue()


def pixels_of(picture: PIL.Image.Image) -> np.ndarray[Any, Any]:
    """The pixels as an array of their own."""
    try:
        picture.load()
    except Exception as broken:
        # So do decoders of damaged pixels.
        error("<COR73134232E>", InvalidImageError(f"expected a complete image: {broken}"))
    # One bit a pixel has no array of uint8, so it becomes 0 and 255.
    return np.array(picture.convert("L") if picture.mode == "1" else picture)


def _readable() -> list[str]:
    """All but PostScript, a program, which Pillow has Ghostscript run."""
    PIL.Image.init()
    return [name for name in PIL.Image.ID if name != "EPS"]


def _writable() -> dict[str, Any]:
    PIL.Image.init()
    return PIL.Image.SAVE


__all__ = ["InvalidImageError", "PillowBackend", "encode", "open_picture", "picture_of", "pixels_of"]
