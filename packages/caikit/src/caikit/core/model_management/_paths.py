"""Where the output of a job goes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import alog

from ..exceptions import error_handler

error = error_handler.get(alog.use_channel("JOBPATHS"))


def final_save_path(
    save_path: Any, job_id: str | None, model_name: str | None, extra_parts: Sequence[str] = ()
) -> str | None:
    """`save_path [/ id] [/ more parts] [/ name]`, where an id or name that the path has already is not repeated."""
    if save_path is None:
        return None
    if type(save_path).__name__ == "S3Path":
        # Not logged as an error here: clients of a server choose it, and are told.
        raise ValueError("S3 output path not supported by this runtime")
    error.type_check("<COR53829104E>", str, os.PathLike, save_path=save_path)
    path = PurePath(save_path)
    if job_id and job_id not in path.parts:
        path = path / checked_part("id", job_id)
    for part in extra_parts:
        path = path / checked_part("extra_path_args", part)
    if model_name and path.name != model_name:
        path = path / checked_part("model_name", model_name)
    return str(path)


def checked_part(variable: str, name: str) -> str:
    """A name that may become one part of a path; it must not lead anywhere else."""
    if name in ("", os.curdir, os.pardir) or any(character in name for character in "/\\\0"):
        error(
            "<COR20915736E>",
            ValueError(
                f"Invalid {variable} {name!r}: expected a name without path separators, not `.` or `..`"
            ),
        )
    return name
