"""The list of served modules as a file, to notice when a later build drops one."""

from __future__ import annotations

import json
import os
from typing import Any

from caikit.config import get_config

from ._modules import served_modules, task_is_served

__all__ = ["check_compatibility", "included_modules", "write_modules"]


def included_modules(config: Any) -> dict[str, dict[str, str]]:
    """Task name -> module id -> class, as text."""
    included: dict[str, dict[str, str]] = {}
    for module in served_modules(config):
        for task in module.tasks:
            if task_is_served(task, config):
                included.setdefault(task.__name__, {}).setdefault(module.MODULE_ID, str(module))
    return included


def write_modules() -> None:
    """Writes the modules of this build to `backwards_compatibility.current_modules_path`."""
    config = get_config()
    path = config.runtime.service_generation.backwards_compatibility.current_modules_path or "modules.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"included_modules": included_modules(config)}, file, indent=4, sort_keys=True)


def check_compatibility() -> None:
    """Raises when a module of the previous build is no longer served, if that check is switched on."""
    config = get_config()
    settings = config.runtime.service_generation.backwards_compatibility
    if not settings or not settings.enabled:
        return
    path = settings.prev_modules_path or "prev_modules.json"
    if not os.path.isfile(path) or not os.access(path, os.R_OK):
        raise ValueError(
            f"value check failed: prev_modules_path {path} is not a valid file path or is missing permissions"
        )
    with open(path, encoding="utf-8") as file:
        previous = json.load(file)["included_modules"]
    missing = _ids(previous) - _ids(included_modules(config))
    if missing:
        raise ValueError(
            "value check failed: BREAKING CHANGE! Found unsupported module(s) that were previously supported: "
            f"{missing}"
        )


def _ids(included: dict[str, dict[str, str]]) -> set[str]:
    return {module_id for modules in included.values() for module_id in modules}
