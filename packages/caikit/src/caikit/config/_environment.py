"""Environment variables over settings."""

from __future__ import annotations

import os
from typing import Any

import yaml

from .._bounded_yaml import read_yaml as parse
from ._errors import ConfigContentError
from ._log import log
from ._merge import merge_configs
from ._sources import Settings, read_mapping

__all__ = ["environment_value", "override_from_environment", "variable_name"]

_NAME_TABLE = str.maketrans(".-", "__")


def environment_value(path: str) -> Any:
    """What the environment says about a key (None when it says nothing or null)."""
    text = os.environ.get(variable_name(path))
    return None if text is None else _convert(text)


def override_from_environment(settings: Settings, path: str = "") -> None:
    """Replace every value of `settings` for which the environment has a variable."""
    for key, value in settings.items():
        full_key = f"{path}.{key}" if path else key
        text = os.environ.get(variable_name(full_key))
        if text is not None:
            settings[key] = value = _overridden(value, text, full_key)
        if isinstance(value, dict):
            override_from_environment(value, full_key)


def variable_name(path: str) -> str:
    """The variable that overrides a key."""
    return path.upper().translate(_NAME_TABLE)


def _overridden(value: Any, text: str, path: str) -> Any:
    new_value = _convert(text)
    if isinstance(value, dict) and value:
        if isinstance(new_value, dict):
            return merge_configs(value, new_value)
        log().warning(
            "<CFG52084417W>",
            f"Ignoring environment variable {variable_name(path)}: {path} is a section and needs a mapping",
        )
        return value
    if isinstance(value, list) and not isinstance(new_value, list):
        return value
    return new_value


def _convert(text: str) -> Any:
    text = text.strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if text == "null":
        return None
    if text[:1] in ("[", "{"):
        return _convert_structure(text)
    return _convert_number(text)


def _convert_structure(text: str) -> Any:
    """A list or a mapping; text that only looks like one, such as `{name}` or `[INFO] started`, stays text."""
    try:
        value = parse(text)
        if isinstance(value, dict) and (":" in text or not value):
            return read_mapping(value, "environment")
    except (yaml.YAMLError, ValueError, ConfigContentError):
        return text
    return value if isinstance(value, list) else text


def _convert_number(text: str) -> Any:
    try:
        number = float(text)
    except ValueError:
        return text
    if number.is_integer():
        try:
            return int(text)
        except ValueError:
            return number
    return number
