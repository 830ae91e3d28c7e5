"""Image files, looked at before anything in them is decoded."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from .._settings import InputLimits

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

# A photograph with a preview or a brightness map in the same file.
_STILL_FORMATS = ("MPO",)


def open_file(data: bytes, limits: InputLimits) -> PilImage:
    """The image of which only the header is decoded; ValueError if it is none, or beyond the limits."""
    check_length(len(data), limits)
    picture = _open(data, limits)
    check_shape(*picture.size, limits)
    _check_frames(picture, limits)
    return picture


def check_length(length: int, limits: InputLimits) -> None:
    if length > limits.max_bytes:
        raise ValueError(
            f"expected an image of at most {limits.max_bytes} bytes, got {length}{_see('max_bytes')}"
        )


def check_shape(columns: int, rows: int, limits: InputLimits) -> None:
    if columns * rows > limits.max_pixels:
        found = f"{columns} x {rows} = {columns * rows}"
        raise ValueError(
            f"expected an image of at most {limits.max_pixels} pixels, got {found}{_see('max_pixels')}"
        )


def is_image(data: bytes, limits: InputLimits) -> bool:
    """Whether the bytes begin like an image file."""
    import PIL.Image

    checks = [PIL.Image.OPEN[name][1] for name in _known(limits.formats)]
    return any(check is None or check(data[:16]) is True for check in checks)


def _open(data: bytes, limits: InputLimits) -> PilImage:
    import PIL.Image

    formats = _known(limits.formats)
    try:
        return PIL.Image.open(io.BytesIO(data), formats=formats)
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        expected = f"an image of at most {limits.max_pixels} pixels"
        raise ValueError(f"expected {expected}, got far more{_see('max_pixels')}") from None
    except PIL.UnidentifiedImageError:
        expected = f"an image file ({', '.join(limits.formats)})"
        raise ValueError(
            f"expected {expected}, got {len(data)} bytes that are none{_see('formats')}"
        ) from None
    except Exception as refused:
        # Readers of damaged headers raise whatever they stumble over.
        raise ValueError(f"expected an image file, got a damaged one: {refused}") from refused


def _check_frames(picture: PilImage, limits: InputLimits) -> None:
    if picture.format in _STILL_FORMATS:
        return
    try:
        frames = int(getattr(picture, "n_frames", 1))
    except Exception as refused:
        raise ValueError(f"expected an image file, got a damaged one: {refused}") from refused
    if frames > limits.max_frames:
        raise ValueError(
            f"expected an image of at most {limits.max_frames} frames, got {frames}{_see('max_frames')}"
        )


def _known(formats: tuple[str, ...]) -> list[str]:
    import PIL.Image

    PIL.Image.init()
    names = [name.upper() for name in formats]
    unknown = [name for name in names if name not in PIL.Image.OPEN]
    if unknown:
        found = ", ".join(unknown)
        raise ValueError(
            f"expected formats of Pillow in the setting computer_vision.inputs.formats, got {found}"
        )
    return names


def _see(name: str) -> str:
    return f"; the limit is the setting computer_vision.inputs.{name}"
