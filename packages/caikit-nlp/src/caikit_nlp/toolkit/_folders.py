"""Folders that the files of a model name."""

from __future__ import annotations

import os

import alog

from caikit.core.exceptions import error_handler

error = error_handler.get(alog.use_channel("MODELDIR"))


def folder_inside(model_path: str, relative: str, key: str) -> str:
    """The folder that a model's files name as `key`. Raises ValueError for one that is not below the model's own."""
    root = os.path.abspath(model_path)
    folder = os.path.normpath(os.path.join(root, relative))
    if folder != root and not folder.startswith(root.rstrip(os.sep) + os.sep):
        error("<NLP61840217E>", ValueError(f"expected a folder inside the model as {key}, got {relative!r}"))
    return folder
