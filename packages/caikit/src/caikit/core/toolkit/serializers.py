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
    """Writes an object in one format; what `ModuleSaver.save_object` takes."""

    @abc.abstractmethod
    def serialize(self, obj: Any, file_path: _Path) -> None:
        """Write `obj` as the whole content of the file."""


class JSONSerializer(ObjectSerializer):
    """Writes what JSON can express, indented by two spaces; anything else is a TypeError."""

    def serialize(self, obj: Any, file_path: _Path) -> None:
        fileio.save_json(obj, file_path)


class TextSerializer(ObjectSerializer):
    """Writes a list of strings as lines, without a newline at the end."""

    def serialize(self, obj: Iterable[str], file_path: _Path) -> None:
        fileio.save_txt("\n".join(obj), file_path)


class YAMLSerializer(ObjectSerializer):
    """Writes plain types, sorted by keys; anything else is a `yaml.YAMLError`."""

    def serialize(self, obj: Any, file_path: _Path) -> None:
        fileio.save_yaml(obj, file_path)


class CSVSerializer(ObjectSerializer):
    """Writes a list of rows; a header is a row like others."""

    def serialize(self, obj: Iterable[Iterable[Any]], file_path: _Path) -> None:
        fileio.save_csv(obj, file_path)


class PickleSerializer(ObjectSerializer):
    """Writes any object that can be pickled; loading it again runs code of whoever wrote the file."""

    def serialize(self, obj: Any, file_path: _Path) -> None:
        fileio.save_pickle(obj, file_path)
