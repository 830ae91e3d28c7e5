"""The process-wide tables of modules and backends; each function returns the live table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import alog

from .exceptions import error_handler

if TYPE_CHECKING:
    from .module_backends.base import BackendBase
    from .modules.base import ModuleBase

__all__ = [
    "BackendConfig",
    "module_backend_classes",
    "module_backend_registry",
    "module_backend_types",
    "module_registry",
]

error = error_handler.get(alog.use_channel("REGISTRIES"))


class BackendConfig(NamedTuple):
    """The implementation of a module for one backend."""

    impl_class: type[ModuleBase]
    backend_config_override: dict[str, Any]


class BackendTypes(dict[str, str]):
    """Names of backend types, also as attributes."""

    def __getattr__(self, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self:
            error("<COR42670369E>", ValueError(f"value check failed: backend type {name} not registered"))
        return self[name]


_modules: dict[str, type[ModuleBase]] = {}
_module_backends: dict[str, dict[str, BackendConfig]] = {}
_backend_types = BackendTypes()
_backend_classes: dict[str, type[BackendBase]] = {}


def module_registry() -> dict[str, type[ModuleBase]]:
    """`{module id: module class}`"""
    return _modules


def module_backend_registry() -> dict[str, dict[str, BackendConfig]]:
    """`{module id: {backend type: its implementation}}`"""
    return _module_backends


def module_backend_types() -> BackendTypes:
    """`{NAME: NAME}` with attribute access."""
    return _backend_types


def module_backend_classes() -> dict[str, type[BackendBase]]:
    """`{NAME: backend class}`"""
    return _backend_classes
