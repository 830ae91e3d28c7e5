"""The directory whose entries are models."""

from __future__ import annotations

import os
from pathlib import Path

import alog

from .names import is_plain_name

log = alog.use_channel("LOCAL-MODELS")


class LocalModels:
    """Names and paths of the models below one directory; hidden entries are not models."""

    def __init__(self, directory: str, *, files_are_models: bool = True) -> None:
        """Without `files_are_models`, the only files that are models are zip archives."""
        self._configured = directory
        self._files_are_models = files_are_models
        self.directory = Path(os.path.abspath(directory))
        self._refused: set[str] = set()

    def exists(self) -> bool:
        return self.directory.is_dir()

    def path(self, model_id: str) -> str:
        return str(self.directory / model_id)

    def shown(self, path: str) -> str:
        """The path of a model in the words of the configuration."""
        place = Path(path)
        return os.path.join(self._configured, place.name) if place.parent == self.directory else path

    def has_lost(self, path: str) -> bool:
        """True for a path below the directory that does not exist any more."""
        place = Path(os.path.abspath(path))
        return place.is_relative_to(self.directory) and not place.exists()

    def scan(self) -> dict[str, str]:
        """{model id: path}, sorted by id; raises FileNotFoundError when the directory is gone."""
        names = sorted(entry.name for entry in self.directory.iterdir() if not entry.name.startswith("."))
        self._warn_once({name for name in names if not is_plain_name(name)})
        return {name: self.path(name) for name in names if is_plain_name(name) and self._may_be_model(name)}

    def _may_be_model(self, name: str) -> bool:
        path = self.directory / name
        if self._files_are_models or not path.is_file() or _is_archive(path):
            return True
        log.debug(
            "<RUN53190648D>", "Ignoring %s: a model is a folder with a config.yml, or a zip archive", path
        )
        return False

    def _warn_once(self, refused: set[str]) -> None:
        for name in sorted(refused - self._refused):
            log.warning("<RUN53190647W>", "Ignoring %r in %s: not a usable model ID", name, self.directory)
        self._refused = refused


def _is_archive(path: Path) -> bool:
    import zipfile  # takes memory that servers without archives need not spend

    return zipfile.is_zipfile(path)
