"""From a source to a picture of red, green and blue, as it is meant to be looked at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from caikit.interfaces.vision.data_model import Image

from .._settings import InputLimits, input_limits
from ..data_model.flat_image import FlatImage
from ._budget import PixelBudget, give_back_memory
from ._files import check_shape, open_file
from ._texts import read_path, read_text

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

Result = TypeVar("Result")

_WHITE = (255, 255, 255)
_UPRIGHT = 1
_BUDGET = PixelBudget()


def read_image(source: Any) -> PilImage:
    """Red, green and blue pixels, turned as the file says, on white where they are transparent.

    ValueError for what is no image, or one beyond the limits of the settings.
    """
    return _upright_colours(_find_picture(source, input_limits()))


def work_on_image(source: Any, work: Callable[[PilImage], Result]) -> Result:
    """The result of work on what `read_image` gives, once there is room among the images that others work on.

    How much room there is for all says the setting `max_pixels_at_once`.
    """
    picture = _find_picture(source, input_limits())
    with pixels_in_turn(picture.width * picture.height):
        result = work(_upright_colours(picture))
        del picture
    return result


@contextmanager
def pixels_in_turn(pixels: int) -> Iterator[None]:
    """Room among the images that others work on."""
    try:
        with _BUDGET.share(pixels, input_limits().max_pixels_at_once):
            yield
    finally:
        give_back_memory(pixels)


def _find_picture(source: Any, limits: InputLimits) -> PilImage:
    """The picture, of which only the header is decoded if it is a file."""
    if isinstance(source, str):
        source = read_text(source, limits)
    elif isinstance(source, os.PathLike):
        source = read_path(source, limits)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return open_file(bytes(source), limits)
    return _picture_of(source, limits)


def _picture_of(source: Any, limits: InputLimits) -> PilImage:
    import numpy as np
    import PIL.Image

    if isinstance(source, FlatImage):
        columns, rows = int(source.image_shape[1]), int(source.image_shape[0])
        check_shape(columns, rows, limits)
        return Image(source.to_numpy()).as_pil()
    if isinstance(source, np.ndarray):
        source = Image(source)
    if isinstance(source, Image):
        source = source.as_pil()
    if not isinstance(source, PIL.Image.Image):
        expected = "the bytes of an image file, a FlatImage, an Image, a path, a PIL image or an array"
        raise TypeError(f"expected {expected}, got {type(source).__name__}")
    check_shape(*source.size, limits)
    return source


def _upright_colours(picture: PilImage) -> PilImage:
    try:
        picture.load()
    except Exception as broken:
        # Decoders of damaged pixels raise whatever they stumble over.
        raise ValueError(f"expected a complete image: {broken}") from broken
    return _in_colours(_upright(picture))


def _upright(picture: PilImage) -> PilImage:
    from PIL import ExifTags, ImageOps

    try:
        # Pillow would make a copy.
        if picture.getexif().get(ExifTags.Base.Orientation, _UPRIGHT) == _UPRIGHT:
            return picture
        return ImageOps.exif_transpose(picture)
    except Exception:
        # What the camera noted is damaged, not the image.
        return picture


def _in_colours(picture: PilImage) -> PilImage:
    import PIL.Image

    if picture.mode == "RGB" and "transparency" not in picture.info:
        return picture
    if picture.mode.startswith("I;16"):
        picture = _eight_bits(picture)
    if picture.mode in ("I", "F"):
        raise ValueError(f"expected an image with 8 or 16 bits a channel, got the mode {picture.mode}")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    seen = picture.convert("RGBA")
    paper = PIL.Image.new("RGB", picture.size, _WHITE)
    paper.paste(seen, mask=seen.getchannel("A"))
    return paper


def _eight_bits(picture: PilImage) -> PilImage:
    """Pillow would make everything white that is brighter than 255."""
    import numpy as np
    import PIL.Image

    return PIL.Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
