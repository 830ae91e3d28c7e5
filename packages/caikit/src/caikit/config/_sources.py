"""Reads settings into plain dictionaries that nobody else holds."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from typing import Any

import yaml

from ._errors import ConfigContentError, ConfigFileNotFoundError, ConfigPathError

__all__ = ["Settings", "load_yaml_text", "read_mapping", "read_yaml"]

Settings = dict[str, Any]

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml_text(text: str | bytes) -> Any:
    """The value of one YAML document, with safe types only."""
    return yaml.load(text, _Loader)  # noqa: S506 - both possible loaders are the safe one


def read_yaml(location: str | os.PathLike[str]) -> Settings:
    """The settings of a YAML file; an empty file has none."""
    if not isinstance(location, (str, os.PathLike)):
        raise ConfigPathError(f"config_location must be str, but you sent in type: <{type(location)}>")
    path = os.path.normpath(os.fspath(location))
    if not path.endswith((".yml", ".yaml")):
        raise ConfigPathError(f"Must send in a .yaml or .yml file, you sent in: <{path}>")
    if not os.path.exists(path):
        raise ConfigFileNotFoundError(f"config_location <{path}> does not exist or cannot be found!")
    with open(path, "rb") as file:
        content = load_yaml_text(file.read())
    return {} if content is None else read_mapping(content, path)


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


def _plain(value: Any, origin: str) -> Any:
    if isinstance(value, Mapping):
        return read_mapping(value, origin)
    if isinstance(value, list):
        return [_plain(item, f"{origin}[{index}]") for index, item in enumerate(value)]
    return copy.deepcopy(value)
