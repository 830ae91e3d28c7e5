"""Processes that share a directory: each holds the lock of a file of its own as long as it lives."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

# Locks of this kind end with the process, whatever ends it, and are not inherited by its children. Closing the
# file anywhere in the process ends them as well, so a process never opens its own file again.
try:
    import fcntl
except ImportError:  # not there on Windows
    fcntl = None  # type: ignore[assignment] # says that there are no such locks

FOLDER = "owners"


class Owner:
    """This process among those that use the directory."""

    def __init__(self, directory: str, name: str | None = None) -> None:
        """`name` is one that was told to others before."""
        self._folder = Path(directory, FOLDER)
        self._folder.mkdir(exist_ok=True)
        self.name = name or uuid.uuid4().hex
        self._file = os.open(self._path(self.name), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.lockf(self._file, fcntl.LOCK_EX)

    def is_alive(self, name: str) -> bool:
        """Whether the process with this name still lives."""
        if name == self.name:
            return True
        try:
            file = open(self._path(name), "r+", encoding="ascii")  # noqa: SIM115 - closed below
        except FileNotFoundError:
            return False
        with file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
            return False

    def bury_others(self) -> None:
        """Remove the files of processes that are gone."""
        for file in list(self._folder.iterdir()):
            if file.name != self.name and not self.is_alive(file.name):
                file.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / name


@contextlib.contextmanager
def alone(directory: str) -> Iterator[None]:
    """One process at a time; threads of one process are not kept apart."""
    with open(os.path.join(directory, ".lock"), "a", encoding="ascii") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def locks_exist() -> bool:
    return fcntl is not None
