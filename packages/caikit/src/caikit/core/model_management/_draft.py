"""A model that is being written: a hidden draft beside its place, moved there as a whole."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
import uuid
from pathlib import Path

from ..modules._config_file import CONFIG_FILE_NAME

_PREFIX = ".caikit-draft-"
_ATTEMPTS = 5

_publishing = threading.Lock()


class Draft:
    """Where a model is written before it appears at `final_path`, all at once or not at all."""

    def __init__(self, final_path: str, folder: str | None = None) -> None:
        """`folder` is that of a draft that exists already."""
        self._final = Path(os.path.realpath(final_path))
        name = f"{_PREFIX}{uuid.uuid4().hex[:16]}"
        self._folder = _neighbourhood(self._final) / name if folder is None else Path(folder)
        # Called like the final path: models may name files after their directory.
        self._path = self._folder / self._final.name

    @property
    def folder(self) -> str:
        return str(self._folder)

    def open(self) -> str:
        """Make room for the draft and return its path, which does not exist yet."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return str(self._path)

    def publish(self) -> None:
        """Move the draft to its place. A repetition after an interruption finishes the work."""
        with _publishing:
            for attempt in range(_ATTEMPTS):
                try:
                    self._move()
                    break
                except OSError as problem:  # another process has published there at the same time
                    if problem.errno not in (errno.ENOTEMPTY, errno.EEXIST) or attempt + 1 == _ATTEMPTS:
                        raise
        shutil.rmtree(self._folder, ignore_errors=True)

    def discard(self) -> None:
        """Remove the draft."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _move(self) -> None:
        if not os.path.lexists(self._path):
            return
        if not (self._path.is_dir() and self._final.is_dir() and any(self._final.iterdir())):
            self._path.replace(self._final)
        elif self._folder.parent == self._final.parent and _names(self._final) <= _names(self._path):
            self._exchange()
        else:
            self._mix()

    def _exchange(self) -> None:
        former = self._put_aside(self._final)
        try:
            self._path.replace(self._final)
        except OSError:
            former.replace(self._final)
            raise

    def _mix(self) -> None:
        """Files that do not belong to the model stay. Without a config.yml the rest is no model meanwhile."""
        if (self._path / CONFIG_FILE_NAME).exists() and (self._final / CONFIG_FILE_NAME).exists():
            self._put_aside(self._final / CONFIG_FILE_NAME)
        for source in sorted(self._path.iterdir(), key=lambda each: each.name == CONFIG_FILE_NAME):
            target = self._final / source.name
            if target.is_dir() and not target.is_symlink():
                self._put_aside(target)
            source.replace(target)

    def _put_aside(self, path: Path) -> Path:
        replaced = self._folder / ".replaced"
        replaced.mkdir(exist_ok=True)
        return path.replace(replaced / uuid.uuid4().hex)


def remove_empty(directory: str | Path) -> None:
    """Remove a directory if nothing is in it."""
    with contextlib.suppress(OSError):
        Path(directory).rmdir()


def _names(directory: Path) -> set[str]:
    return {each.name for each in directory.iterdir()}


def _neighbourhood(final: Path) -> Path:
    """The directory around the path, or the path itself where only that can be written to."""
    parent = final.parent
    try:
        other_disk = parent.stat().st_dev != final.stat().st_dev
    except OSError:  # one of them does not exist
        return parent
    return final if final.is_dir() and (other_disk or not os.access(parent, os.W_OK)) else parent
