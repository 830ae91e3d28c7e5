"""Which files a request may name."""

from __future__ import annotations

import os
import re
from pathlib import Path

from caikit.config import get_config
from caikit.runtime.engine.status import Status
from caikit.runtime.services._errors import runtime_error

__all__ = ["check_path", "source_path", "where_names_begin"]

_SEPARATORS = re.compile(r"[/\\]")


def source_path(name: str) -> str:
    """The absolute path behind a name in a request; below `data_streams.file_source_base` where that is set."""
    base = _base()
    if base is None:
        return os.path.abspath(name)
    check_path(name)
    return os.path.abspath(os.path.join(base, name))


def where_names_begin() -> str:
    """What a name in a request is relative to, without telling where the server keeps its files."""
    folder = "the working directory of the server" if _base() is None else "data_streams.file_source_base"
    return f"names are relative to {folder}"


def check_path(name: str) -> None:
    """Refuses a name that leaves the base folder, also through links."""
    base = _base()
    if base is None or not name:
        return
    leaves = Path(name).is_absolute() or "\0" in name or ".." in _SEPARATORS.split(name)
    if not leaves:
        root = os.path.realpath(base)
        target = os.path.realpath(os.path.join(root, name))
        leaves = os.path.commonpath([root, target]) != root
    if leaves:
        raise runtime_error(
            Status.INVALID_ARGUMENT,
            f"Invalid data source '{name}': it lies outside the folder that data_streams.file_source_base allows",
        )


def _base() -> str | None:
    base = get_config().data_streams.file_source_base
    return os.fspath(base) if base else None
