"""How one source of settings is laid over another."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

__all__ = ["merge_configs"]


def merge_configs(
    base: MutableMapping[str, Any] | None,
    overrides: Mapping[str, Any] | None,
    merge_strategy: str = "merge",
) -> Any:
    """Lay `overrides` over `base`, which is changed and returned.

    "merge": mappings are merged key by key, lists of `overrides` are put in front of those of `base`, anything
    else replaces. "override": every top-level key of `overrides` replaces that of `base`.
    """
    if base is None:
        return overrides or {}
    if overrides is None:
        return base or {}
    if merge_strategy == "override":
        base.update(overrides)
        return base
    for key, value in overrides.items():
        present = base.get(key)
        if isinstance(present, MutableMapping) and isinstance(value, Mapping):
            merge_configs(present, value)
        elif isinstance(present, list) and isinstance(value, list):
            base[key] = value + present
        else:
            base[key] = value
    return base
