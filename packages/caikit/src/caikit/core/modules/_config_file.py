"""The `config.yml` of a saved model: reading it, writing it, plain values."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ..._bounded_yaml import read_yaml

CONFIG_FILE_NAME = "config.yml"


def config_path(model_path: str) -> str:
    return os.path.join(model_path, CONFIG_FILE_NAME)


def read_config(model_path: str) -> dict[str, Any]:
    """Content of the file; an empty file or one that holds no mapping has no keys."""
    path = Path(config_path(model_path))
    try:
        content = read_yaml(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise ValueError(f"Invalid `{CONFIG_FILE_NAME}`: {problem}") from problem
    return content if isinstance(content, dict) else {}


def write_config(model_path: str, content: Mapping[str, Any]) -> None:
    """Write the file in one step: whoever looks sees the old one, none, or the complete new one."""
    text = yaml.safe_dump(plain(content), default_flow_style=False, sort_keys=True, allow_unicode=True)
    temporary = Path(model_path, f".config-{uuid.uuid4().hex}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(config_path(model_path))
    finally:
        temporary.unlink(missing_ok=True)


def plain(value: Any) -> Any:
    """A copy in which mappings are dicts, and numpy scalars are Python scalars; other objects are shared."""
    if isinstance(value, Mapping):
        return {_plain_scalar(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return {_plain_scalar(item) for item in value}
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    numpy = sys.modules.get("numpy")
    return value.item() if numpy is not None and isinstance(value, numpy.generic) else value
