"""Which modules a runtime serves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from caikit.core.registries import module_backend_registry, module_registry
from caikit.runtime.utils.import_util import get_dynamic_module
from caikit.runtime.utils.library_names import clean_lib_names

if TYPE_CHECKING:
    from caikit.core.modules import ModuleBase
    from caikit.core.task import TaskBase

__all__ = ["served_modules", "task_is_served"]


def served_modules(config: Any) -> list[type[ModuleBase]]:
    """The modules of the configured libraries that have tasks and pass the filters, in order of their ids."""
    libraries = clean_lib_names(config.runtime.library)
    for library in libraries:
        get_dynamic_module(library)
    guids = config.runtime.service_generation.module_guids or {}
    included, excluded = set(guids.get("included") or ()), set(guids.get("excluded") or ())
    modules = [
        module
        for module in _of_libraries(libraries)
        if module.tasks
        and module.MODULE_ID not in excluded
        and (not included or module.MODULE_ID in included)
    ]
    return sorted(modules, key=_order)


def task_is_served(task: type[TaskBase], config: Any) -> bool:
    """The filter `task_types` holds class names."""
    task_types = config.runtime.service_generation.task_types or {}
    included, excluded = task_types.get("included") or (), task_types.get("excluded") or ()
    return task.__name__ not in excluded and (not included or task.__name__ in included)


def _of_libraries(libraries: Iterable[str]) -> list[type[ModuleBase]]:
    """Modules defined in the libraries, and other backends' implementations of them wherever they are defined."""
    names = set(libraries)
    registered = module_registry()
    found = [module for module in registered.values() if _top_level(module) in names]
    for module_id, implementations in module_backend_registry().items():
        base = registered.get(module_id)
        for backend_type, implementation in implementations.items():
            module = implementation.impl_class
            ours = _top_level(module) in names or (base is not None and _top_level(base) in names)
            if backend_type != "LOCAL" and ours:
                found.append(module)
    return list(dict.fromkeys(found))


def _top_level(module: type[ModuleBase]) -> str:
    return module.__module__.partition(".")[0]


def _order(module: type[ModuleBase]) -> tuple[str, bool, str, str]:
    return module.MODULE_ID, module.BACKEND_TYPE != "LOCAL", module.BACKEND_TYPE, module.MODULE_CLASS
