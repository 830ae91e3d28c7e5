"""Reads settings into plain dictionaries that nobody else holds."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from .._bounded_yaml import read_yaml as parse
from ._errors import ConfigContentError, ConfigFileNotFoundError, ConfigPathError, ConfigSyntaxError

__all__ = ["Settings", "Source", "read_mapping", "read_yaml"]

Settings = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """Settings, and where somebody wrote them."""

    origin: str
    settings: Settings


def read_yaml(location: str | os.PathLike[str]) -> Source:
    """The settings of a YAML file; an empty file has none."""
    if not isinstance(location, (str, os.PathLike)):
        raise ConfigPathError(f"config_location must be str, but you sent in type: <{type(location)}>")
    path = os.path.normpath(os.fspath(location))
    if not path.endswith((".yml", ".yaml")):
        raise ConfigPathError(f"Must send in a .yaml or .yml file, you sent in: <{path}>")
    if not os.path.exists(path):
        raise ConfigFileNotFoundError(f"config_location <{path}> does not exist or cannot be found!")
    with open(path, "rb") as file:
        content = _parsed(file.read(), path)
    return Source(path, {} if content is None else read_mapping(content, path))


def read_mapping(content: Any, origin: str = "config_dict") -> Settings:
    """A deep copy of `content` made of plain dictionaries and lists."""
    if not isinstance(content, Mapping):
        raise ConfigContentError(f"expected a mapping of settings, got {type(content).__name__} in {origin}")
    settings = {}
    for key, value in content.items():
        if not isinstance(key, str):
            raise ConfigContentError(f"expected str as key, got {key!r} ({type(key).__name__}) in {origin}")
        settings[key] = _plain(value, f"{origin}: {key}")
    return settings


def _parsed(text: bytes, path: str) -> Any:
    try:
        return parse(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = "" if mark is None else f", line {mark.line + 1}, column {mark.column + 1}"
        reason = ", ".join(filter(None, (error.context, error.problem)))
        raise ConfigSyntaxError(f"expected YAML in {path}{place}: {reason}") from error
    except yaml.reader.ReaderError as error:
        line = text.count(b"\n", 0, error.position) + 1
        raise ConfigSyntaxError(f"expected YAML in {path}, line {line}: {error.reason}") from error
    except ValueError as error:
        raise ConfigSyntaxError(f"expected YAML in {path}: {error}") from error


def _plain(value: Any, origin: str) -> Any:
    if isinstance(value, Mapping):
        return read_mapping(value, origin)
    if isinstance(value, list):
        return [_plain(item, f"{origin}[{index}]") for index, item in enumerate(value)]
    return copy.deepcopy(value)
