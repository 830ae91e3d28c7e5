"""Tuned prompts in the directory that a server reads them from."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import alog

from caikit.core.exceptions import error_handler

__all__ = ["copy_prompt", "remove_prompt"]

log = alog.use_channel("TGPROMPT")
error = error_handler.get(log)

_UNFINISHED = ".swp"


def copy_prompt(prompt_dir: str, prompt_id: str, *files: str) -> None:
    """Copy the files of a prompt; those that are there, or that somebody else is copying, are left alone."""
    error.file_check("<TGB09222346E>", *files)
    target = _place(prompt_dir, prompt_id)
    os.makedirs(target, exist_ok=True)
    for file in files:
        path = os.path.join(target, os.path.basename(file))
        unfinished = path + _UNFINISHED
        if os.path.exists(path):
            continue
        try:
            with open(file, "rb") as source, open(unfinished, "xb") as copy:
                shutil.copyfileobj(source, copy)
        except FileExistsError:
            log.debug("<TGB09222347D>", "%s is being copied by somebody else", path)
            continue
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
        Path(unfinished).rename(path)


def remove_prompt(prompt_dir: str, prompt_id: str) -> None:
    """Delete a prompt, as far as that is possible."""
    shutil.rmtree(_place(prompt_dir, prompt_id), ignore_errors=True)


def _place(prompt_dir: str, prompt_id: str) -> str:
    plain = prompt_id not in ("", ".", "..") and os.path.basename(prompt_id) == prompt_id
    error.value_check(
        "<TGB09222348E>", plain, f"expected a plain name as the id of a prompt, got {prompt_id!r}"
    )
    return os.path.join(prompt_dir, prompt_id)
