"""Objects that write other objects to files."""

from __future__ import annotations

import abc
import os
from collections.abc import Iterable
from typing import Any

from . import fileio

__all__ = [
    "CSVSerializer",
    "JSONSerializer",
    "ObjectSerializer",
    "PickleSerializer",
    "TextSerializer",
    "YAMLSerializer",
]

_Path = str | os.PathLike[str]


class ObjectSerializer(abc.ABC):
    """Writes an object in one format."""

    @abc.abstractmethod
    def serialize(self, obj: Any, file_path: _Path) -> None:
        """Write `obj` to the file."""


class JSONSerializer(ObjectSerializer):
    def serialize(self, obj: Any, file_path: _Path) -> None:
        fileio.save_json(obj, file_path)


class TextSerializer(ObjectSerializer):
    """Writes strings as lines, without a newline at the end."""

    def serialize(self, obj: Iterable[str], file_path: _Path) -> None:
        fileio.save_txt("\n".join(obj), file_path)


class YAMLSerializer(ObjectSerializer):
    def serialize(self, obj: Any, file_path: _Path) -> None:
        fileio.save_yaml(obj, file_path)


class CSVSerializer(ObjectSerializer):
    def serialize(self, obj: Iterable[Iterable[Any]], file_path: _Path) -> None:
        fileio.save_csv(obj, file_path)


class PickleSerializer(ObjectSerializer):
    def serialize(self, obj: Any, file_path: _Path) -> None:
        fileio.save_pickle(obj, file_path)
