"""The settings of this library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import caikit

_FILE = Path(__file__).with_name("config.yml")


@dataclass(frozen=True, slots=True)
class InputLimits:
    """What is accepted as an image."""

    max_bytes: int
    max_pixels: int
    max_pixels_at_once: int
    max_frames: int
    formats: tuple[str, ...]
    allowed_paths: tuple[str, ...]


def apply_defaults() -> None:
    """Add the defaults of this library to the configuration; what is configured already stays."""
    present = caikit.get_config()
    missing = _missing(present, _defaults())
    if not present.runtime.library:
        missing["runtime"] = _defaults()["runtime"]
    if missing:
        caikit.configure(config_dict=missing)


def input_limits() -> InputLimits:
    found = _section()["inputs"]
    return InputLimits(
        max_bytes=_number("inputs.max_bytes", found["max_bytes"]),
        max_pixels=_number("inputs.max_pixels", found["max_pixels"]),
        max_pixels_at_once=_number("inputs.max_pixels_at_once", found["max_pixels_at_once"]),
        max_frames=_number("inputs.max_frames", found["max_frames"]),
        formats=_texts("inputs.formats", found["formats"]),
        allowed_paths=_texts("inputs.allowed_paths", found["allowed_paths"]),
    )


def downloads_allowed() -> bool:
    return bool(_below(caikit.get_config().allow_downloads, _defaults()["allow_downloads"]))


def configured_device() -> str:
    return str(_section()["device"] or "")


def configured_threads() -> int:
    return _number("torch_threads", _section()["torch_threads"], least=0)


@cache
def _defaults() -> dict[str, Any]:
    import yaml

    defaults: dict[str, Any] = yaml.safe_load(_FILE.read_text())
    return defaults


def _section() -> dict[str, Any]:
    name = "computer_vision"
    section: dict[str, Any] = _below(caikit.get_config().get(name), _defaults()[name])
    return section


def _below(present: Any, default: Any) -> Any:
    """The default where nothing is configured."""
    if isinstance(default, dict):
        given = present if isinstance(present, Mapping) else {}
        return {**given, **{name: _below(given.get(name), value) for name, value in default.items()}}
    return default if present is None else present


def _missing(present: Mapping[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """The defaults for which nothing is configured."""
    found = {}
    for name, default in defaults.items():
        value = present.get(name)
        if isinstance(default, dict) and isinstance(value, Mapping):
            inner = _missing(value, default)
            if inner:
                found[name] = inner
        elif value is None:
            found[name] = default
    return found


def _number(name: str, value: Any, least: int = 1) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        expected = f"a whole number of at least {least}"
        raise ValueError(f"expected {expected} in the setting computer_vision.{name}, got {value!r}")
    return value


def _texts(name: str, value: Any) -> tuple[str, ...]:
    """A list of texts, or, as environment variables give it, a text with commas."""
    values = value.split(",") if isinstance(value, str) else value
    if not isinstance(values, (list, tuple)) or not all(isinstance(each, str) for each in values):
        expected = "a list of texts"
        raise ValueError(f"expected {expected} in the setting computer_vision.{name}, got {value!r}")
    return tuple(each.strip() for each in values if each.strip())
