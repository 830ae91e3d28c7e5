"""The one gate for downloads from the model hub."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import alog

from caikit import get_config
from caikit.core.exceptions import error_handler

__all__ = ["explained_if_missing", "local_files_only"]

error = error_handler.get(alog.use_channel("NLP-DOWNLOADS"))


def local_files_only() -> bool:
    """What loaders of the Hugging Face libraries get for their parameter of this name."""
    return not get_config().allow_downloads


@contextlib.contextmanager
def explained_if_missing(model_name: str | os.PathLike[str]) -> Iterator[None]:
    """In this context a model that is not on this machine is an error that names it and the switch to set."""
    try:
        yield
    except OSError as missing:
        if os.path.isdir(model_name) or not local_files_only():
            raise
        error(
            "<NLP50171943E>",
            FileNotFoundError(
                f"expected a directory or a model in the local cache of the model hub, got `{model_name}`; "
                "set allow_downloads (environment variable ALLOW_DOWNLOADS=true) to fetch models"
            ),
            missing,
        )
