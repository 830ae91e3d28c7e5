"""A model as a zip archive in memory."""

from __future__ import annotations

import io
import os
import tempfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import ModuleBase


def archive_of(module: ModuleBase, args: tuple[Any, ...], kwargs: dict[str, Any]) -> io.BytesIO:
    """Save the module and zip the content of its directory."""
    import zipfile  # takes memory that servers without archives need not spend

    archive = io.BytesIO()
    with tempfile.TemporaryDirectory() as model_path:
        module.save(model_path, *args, **kwargs)
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zip_file:
            for directory, folders, files in os.walk(model_path):
                for name in (*folders, *files):
                    path = os.path.join(directory, name)
                    zip_file.write(path, os.path.relpath(path, model_path))
    archive.seek(0)
    return archive
