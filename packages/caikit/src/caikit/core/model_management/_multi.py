"""What finders and initializers of type MULTI have in common: a list of other components by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import aconfig
import alog

from ...config import get_config
from ..exceptions import error_handler

if TYPE_CHECKING:
    from ..model_manager import ModelManager

log = alog.use_channel("MULTI")
error = error_handler.get(log)


def read_priority(config: aconfig.Config, kind: str, instance_name: str) -> list[str]:
    """The names in config entry `<kind>_priority`, each of them configured in `model_management.<kind>s`."""
    key = f"{kind}_priority"
    priority = config.get(key)
    error.type_check("<COR71930254E>", list, **{key: priority})
    error.type_check_all("<COR71930255E>", str, **{key: priority})
    if not priority:
        _fail(f"Must provide at least one valid {kind}")
    configured = get_config().model_management[f"{kind}s"] or {}
    unknown = [name for name in priority if name not in configured]
    if unknown:
        _fail(f"Invalid {kind}s given in {key}: {unknown}")
    if instance_name in priority:
        _fail(f"Cannot include self in multi {kind} priority")
    return list(priority)


def manager_of(config: aconfig.Config) -> ModelManager:
    """The model manager that resolves the names, by default the one of this process."""
    manager: ModelManager | None = config.get("model_manager")
    if manager is None:
        from caikit.core import MODEL_MANAGER

        return MODEL_MANAGER
    return manager


def _fail(message: str) -> NoReturn:
    error("<COR71930256E>", ValueError(f"value check failed: {message}"))
