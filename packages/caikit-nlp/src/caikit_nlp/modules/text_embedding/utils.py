"""Reading of switches."""

from __future__ import annotations

from typing import Any

__all__ = ["env_val_to_bool"]

_OFF = frozenset(("", "no", "n", "false", "0", "f", "off"))


def env_val_to_bool(val: Any) -> bool:
    """Whether a setting is on: a bool is itself, None is off, and so is a word for no; all else is on."""
    if val is None or isinstance(val, bool):
        return bool(val)
    return str(val).strip().lower() not in _OFF
