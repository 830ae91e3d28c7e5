"""Images as they are stored in files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import alog

from caikit.core.data_model import DataObjectBase, FieldNumber, dataobject
from caikit.core.exceptions import error_handler

from .package import VISION_PACKAGE

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image as PilImage

log = alog.use_channel("IMAGE")
error = error_handler.get(log)

_SHOWN_CHARACTERS = 200


@dataobject(VISION_PACKAGE)
class Image(DataObjectBase):
    """An image; `image_data` is the content of an image file, for bytes and files just as it was given."""

    _private_slots = ("_picture",)

    image_data: Annotated[bytes, FieldNumber(1)]

    def __init__(self, image_data: Any = None) -> None:
        """An image from the bytes of an image file, the path of one, a PIL image or an array of uint8.

        Pixels are decoded when they are asked for; PIL images and arrays are encoded when `image_data` is.
        """
        if isinstance(image_data, (str, os.PathLike)):
            image_data = _content(Path(image_data))
        if isinstance(image_data, (bytes, bytearray, memoryview)):
            self.image_data = bytes(image_data)
            self.as_pil()
            return
        from ._pillow import PillowBackend, picture_of

        picture = picture_of(image_data)
        if picture is None:
            found = type(image_data).__name__
            message = f"expected bytes, a path, a PIL image or an array for an image, got {found}"
            error("<COR73134227E>", TypeError(message))
        self._backend = PillowBackend(picture)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "image_data":
            super().__setattr__("_picture", None)
        super().__setattr__(name, value)

    def as_pil(self) -> PilImage:
        """The image in Pillow."""
        picture: PilImage | None = getattr(self, "_picture", None)
        if picture is None:
            from ._pillow import PillowBackend, open_picture

            backend = self.backend
            if isinstance(backend, PillowBackend) and not self._has_data():
                picture = backend.picture
            else:
                picture = open_picture(self.image_data)
            self._picture = picture
        return picture

    def as_numpy(self) -> np.ndarray[Any, Any]:
        """The pixels as rows, columns and, if there is more than one, channels."""
        from ._pillow import pixels_of

        return pixels_of(self.as_pil())

    @property
    def rows(self) -> int:
        return self.as_pil().height

    @property
    def columns(self) -> int:
        return self.as_pil().width

    @property
    def channels(self) -> int:
        """Bands, such as three for red, green and blue."""
        return len(self.as_pil().getbands())

    def __getstate__(self) -> dict[str, Any]:
        return {"image_data": self.image_data}

    def _has_data(self) -> bool:
        """True once somebody has assigned `image_data`."""
        try:
            object.__getattribute__(self, "image_data")
        except AttributeError:
            return False
        return True


def _content(path: Path) -> bytes:
    try:
        found = path.is_file()
    except OSError:  # a text that is too long for a path
        found = False
    if not found:
        shown = str(path)[:_SHOWN_CHARACTERS]
        error("<COR73134228E>", FileNotFoundError(f"expected an image file, found none at {shown}"))
    return path.read_bytes()


__all__ = ["Image"]
