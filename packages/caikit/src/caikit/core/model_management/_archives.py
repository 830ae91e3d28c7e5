"""Models in zip archives."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator

import alog

from ..exceptions import error_handler
from ..modules._config_file import CONFIG_FILE_NAME

log = alog.use_channel("ARCHIVES")
error = error_handler.get(log)


def is_archive(source: str | io.BytesIO) -> bool:
    """Whether the source is a zip archive; anything in memory has to be one."""
    if isinstance(source, str) and not os.path.isfile(source):
        return False
    import zipfile  # takes memory that servers without archives need not spend

    if isinstance(source, str):
        return zipfile.is_zipfile(source)
    if not zipfile.is_zipfile(source):
        size = source.getbuffer().nbytes
        error(
            "<COR10284736E>",
            ValueError(f"Unable to load model from bytes: expected a zip archive, got {size} other bytes"),
        )
    return True


@contextlib.contextmanager
def extracted(source: str | io.BytesIO) -> Iterator[str]:
    """The directory with the `config.yml` of an archive, as long as the context lasts."""
    import zipfile

    with tempfile.TemporaryDirectory() as directory:
        with zipfile.ZipFile(source) as archive:
            archive.extractall(directory)
        yield _model_directory(directory, source)


def extract(zip_path: str, model_path: str, force_overwrite: bool = False) -> str:
    """Extract an archive into a directory, unless that exists; returns the absolute path of the directory."""
    model_path = os.path.abspath(model_path)
    if os.path.exists(model_path) and not force_overwrite:
        log.info("<COR11241140I>", "[%s] exists, nothing is extracted from [%s]", model_path, zip_path)
        return model_path
    import zipfile

    with zipfile.ZipFile(zip_path) as archive:
        archive.extractall(model_path)
    return model_path


def _model_directory(directory: str, source: str | io.BytesIO) -> str:
    if _has_config(directory):
        return directory
    nested = [
        entry.path for entry in os.scandir(directory) if entry.is_dir() and not entry.name.startswith("__")
    ]
    if len(nested) != 1:
        error("<COR50207494E>", FileNotFoundError("Unable to locate archive config due to nested dirs"))
    if not _has_config(nested[0]):
        error(
            "<COR50207495E>",
            FileNotFoundError(f"Unable to locate archive config within top two levels of {source}"),
        )
    return nested[0]


def _has_config(directory: str) -> bool:
    return os.path.isfile(os.path.join(directory, CONFIG_FILE_NAME))
