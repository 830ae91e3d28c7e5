"""Images that travel as text: base64, and what an administrator allows beside it."""

from __future__ import annotations

import base64
import binascii
import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

if TYPE_CHECKING:
    from PIL.Image import Image

_FETCH_SECONDS = 60
_LONGEST_FILE_NAME = 256


@dataclass(frozen=True)
class ImageLimits:
    max_bytes: int
    max_pixels: int
    allowed_hosts: frozenset[str]
    allowed_directories: tuple[Path, ...]

    @classmethod
    def from_config(cls, config: Any) -> ImageLimits:
        images = config.huggingface_demo.images
        return cls(
            max_bytes=int(images.max_bytes),
            max_pixels=int(images.max_pixels),
            allowed_hosts=frozenset(host.lower() for host in images.allowed_hosts or ()),
            allowed_directories=tuple(Path(folder).resolve() for folder in images.allowed_directories or ()),
        )


def read_image(text: str, limits: ImageLimits) -> Image:
    """The image that a text stands for, in RGB."""
    if text.startswith("http"):
        data = _fetch(text, limits)
    elif len(text) < _LONGEST_FILE_NAME and (file := _allowed_file(text, limits)) is not None:
        data = file.read_bytes()
    else:
        data = _decode(text)
    if len(data) > limits.max_bytes:
        raise ValueError(
            f"expected an image of at most {limits.max_bytes} bytes (huggingface_demo.images.max_bytes), "
            f"got {len(data)}"
        )
    return _open(data, limits)


def png_bytes(image: Image) -> bytes:
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"expected an image file in base64, got {text[:20]!r}...") from None


def _open(data: bytes, limits: ImageLimits) -> Image:
    from PIL import Image as Images
    from PIL import ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # Its own limit is for programs that have none.
            warnings.simplefilter("ignore", Images.DecompressionBombWarning)
            image = Images.open(io.BytesIO(data))
        if image.width * image.height > limits.max_pixels:
            raise ValueError(
                f"expected an image of at most {limits.max_pixels} pixels (huggingface_demo.images.max_pixels), "
                f"got {image.width} x {image.height}"
            )
        return ImageOps.exif_transpose(image).convert("RGB")
    except UnidentifiedImageError:
        raise ValueError(
            f"expected an image file such as PNG or JPEG, got {len(data)} bytes that are none"
        ) from None
    except (OSError, SyntaxError, Images.DecompressionBombError) as error:
        raise ValueError(
            f"expected an image file such as PNG or JPEG, got one that cannot be read: {error}"
        ) from error


def _allowed_file(name: str, limits: ImageLimits) -> Path | None:
    """The file of that name, if it lies in a folder that is open to callers; symbolic links are followed first."""
    if not limits.allowed_directories or "\0" in name:
        return None
    path = Path(name).resolve()
    allowed = any(path.is_relative_to(folder) for folder in limits.allowed_directories)
    return path if allowed and path.is_file() else None


def _fetch(url: str, limits: ImageLimits) -> bytes:
    _require_allowed(url, limits)
    opener = build_opener(_AllowedRedirects(limits))
    try:
        with opener.open(Request(url), timeout=_FETCH_SECONDS) as response:
            return bytes(response.read(limits.max_bytes + 1))
    except OSError as error:
        raise ValueError(f"cannot fetch the image: {error}") from error


def _require_allowed(url: str, limits: ImageLimits) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or (parts.hostname or "") not in limits.allowed_hosts:
        raise ValueError(
            f"images are not fetched from {parts.hostname!r}: send the image file in base64, "
            "or add the host to huggingface_demo.images.allowed_hosts"
        )


class _AllowedRedirects(HTTPRedirectHandler):
    """An allowed host must not lead to another one."""

    def __init__(self, limits: ImageLimits) -> None:
        self._limits = limits

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        _require_allowed(newurl, self._limits)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
