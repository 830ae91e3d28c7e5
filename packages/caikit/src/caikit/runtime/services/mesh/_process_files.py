"""Sources of training data that are named relative to the input directory of a request."""

from __future__ import annotations

import os
from typing import Any

from caikit.config import get_config
from caikit.core.data_model._schema import schema_of
from caikit.interfaces.common.data_model.stream_sources import (
    Directory,
    FileReference,
    ListOfFileReferences,
)
from caikit.runtime.services.stream_sources import DataStreamSourceBase


def move_sources(parameters: Any, folder: str) -> None:
    """Complete the names of files that exist below the folder, in place."""
    if parameters is None or not folder:
        return
    for field in schema_of(type(parameters)).fields:
        value = getattr(parameters, field.name)
        if isinstance(value, DataStreamSourceBase):
            setattr(parameters, field.name, _move(value, folder))


def _move(stream: Any, folder: str) -> Any:
    match stream.data_stream:
        case FileReference(filename=name):
            moved: Any = FileReference(filename=_below(folder, name))
        case ListOfFileReferences(files=names):
            moved = ListOfFileReferences(files=[_below(folder, name) for name in names or ()])
        case Directory(dirname=name, extension=extension):
            moved = Directory(dirname=_below(folder, name), extension=extension)
        case _:
            return stream
    return type(stream)(data_stream=moved)


def _below(folder: str, name: str | None) -> str:
    path = os.path.join(folder, name or "")
    if not name or not os.path.exists(path):
        return name or ""
    base = get_config().data_streams.file_source_base
    # Names are relative to this base where there is one; whether they may leave it is decided there.
    return os.path.relpath(os.path.realpath(path), os.path.realpath(base)) if base else path
