"""Images that are given as a text: base64, a data URL or an allowed path."""

from __future__ import annotations

import base64
import binascii
import os
import re
from pathlib import Path

from .._settings import InputLimits
from ._files import check_length, is_image

_DATA_URL = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_LONGEST_PATH = 4096

_PATHS = (
    "Paths are opened only in the folders of the setting computer_vision.inputs.allowed_paths, URLs never; "
    "in Python, give a pathlib.Path"
)


def read_text(text: str, limits: InputLimits) -> bytes:
    """The content of the image file that a text, perhaps of a caller elsewhere, stands for."""
    header = _DATA_URL.match(text)
    if header is not None:
        return _decode(text[header.end() :], limits)
    data = _image_in_base64(text, limits)
    return data if data is not None else _allowed_file(text, limits)


def read_path(path: os.PathLike[str], limits: InputLimits) -> bytes:
    """The content of a file; ValueError for one that is longer than allowed, FileNotFoundError for none."""
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"expected an image file, found none at {file}")
    with file.open("rb") as stream:
        data = stream.read(limits.max_bytes + 1)
    check_length(max(len(data), file.stat().st_size), limits)
    return data


def _decode(text: str, limits: InputLimits) -> bytes:
    check_length(len(text) // 4 * 3 - 2, limits)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as refused:
        raise ValueError(f"expected an image in base64: {refused}") from None


def _image_in_base64(text: str, limits: InputLimits) -> bytes | None:
    """The bytes, if they begin like an image; a path can be base64 by chance."""
    try:
        start = base64.b64decode(text[:64], validate=True)
    except (binascii.Error, ValueError):
        return None
    return _decode(text, limits) if is_image(start, limits) else None


def _allowed_file(text: str, limits: InputLimits) -> bytes:
    if not limits.allowed_paths or len(text) > _LONGEST_PATH or "\0" in text or _URL.match(text):
        raise _refusal(text, limits)
    try:
        path = Path(text).resolve()
        inside = any(path.is_relative_to(Path(folder).resolve()) for folder in limits.allowed_paths)
        found = inside and path.is_file()
    except (OSError, RuntimeError):
        raise _refusal(text, limits) from None
    if not inside:
        raise _refusal(text, limits)
    if not found:
        raise ValueError("expected an image file at the given path, found none")
    return read_path(path, limits)


def _refusal(text: str, limits: InputLimits) -> ValueError:
    try:
        found = f"{len(base64.b64decode(text, validate=True))} bytes that are none"
    except (binascii.Error, ValueError):
        found = "another text"
    formats = ", ".join(limits.formats)
    return ValueError(
        f"expected the bytes of an image file ({formats}), in JSON as base64, got {found}. {_PATHS}"
    )
