"""Importing the libraries that a runtime serves."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import alog

from .library_names import clean_lib_names

__all__ = ["clean_lib_names", "get_dynamic_module"]

log = alog.use_channel("COM-LIB-INIT")

_announced: set[str] = set()


def get_dynamic_module(module_name: str, module_dir: str | None = None) -> ModuleType:
    """Imports a module by name; `__main__` is the running script."""
    full_name = f"{module_dir}.{module_name}" if module_dir else module_name
    if full_name not in _announced:
        _announced.add(full_name)
        log.info("<RUN11997772I>", f"Loading service module: {full_name}")
    if full_name in sys.modules:
        return sys.modules[full_name]
    try:
        return importlib.import_module(full_name)
    except ModuleNotFoundError as error:
        # A module that the library itself misses is the library's problem, and its own error tells more.
        if not f"{full_name}.".startswith(f"{error.name}."):
            raise
        from caikit.runtime.engine.status import Status
        from caikit.runtime.services._errors import runtime_error

        raise runtime_error(Status.NOT_FOUND, f"Unable to find spec for module: {full_name}") from error
