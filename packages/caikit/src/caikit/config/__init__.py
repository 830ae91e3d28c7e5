"""Configuration: packaged defaults, YAML files, dictionaries and environment variables."""

from __future__ import annotations

from .config import configure, get_config

__all__ = ["configure", "get_config"]
