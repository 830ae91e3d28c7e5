"""Methods that a module class has to define for what is asked of it."""

from __future__ import annotations

import inspect

import alog

from ..exceptions import error_handler
from ..signature_parsing import CaikitMethodSignature
from .base import ModuleBase

log = alog.use_channel("MODOFFER")
error = error_handler.get(log)


def require_trained_save(module_class: type[ModuleBase]) -> None:
    """TypeError if what the class trains cannot be saved, which would only be seen when the training is over."""
    trained = CaikitMethodSignature(module_class, "train").return_type
    is_module = isinstance(trained, type) and issubclass(trained, ModuleBase)
    if not is_module or (trained is not ModuleBase and _is_inherited(trained, "save")):
        require_save(module_class)


def require_save(module_class: type[ModuleBase]) -> None:
    """TypeError if the class cannot be saved."""
    if _is_inherited(module_class, "save"):
        message = f"Module {_name(module_class)} has no save(model_path): a trained model would be lost"
        error("<COR71820466E>", TypeError(message))


def require_load(module_class: type[ModuleBase]) -> None:
    """NotImplementedError if the class cannot load what was saved."""
    if _is_inherited(module_class, "load") and _is_inherited(module_class, "_load"):
        error(
            "<COR71820467E>",
            NotImplementedError(
                f"This is not available in this module. Module {_name(module_class)} has no load(model_path)"
            ),
        )


def _is_inherited(module_class: type[ModuleBase], method: str) -> bool:
    return inspect.getattr_static(module_class, method) is vars(ModuleBase)[method]


def _name(module_class: type[ModuleBase]) -> str:
    return f"{module_class.__module__}.{module_class.__qualname__}"
