"""Registered backend types; each is an attribute of this module, `backend_types.LOCAL == "LOCAL"`."""

from __future__ import annotations

import abc
from typing import Any

import alog

from ..exceptions import error_handler
from ..registries import module_backend_classes, module_backend_types
from ..toolkit.wip_decorator import WipCategory, work_in_progress

__all__ = ["register_backend_type"]

error = error_handler.get(alog.use_channel("BKNDTYPES"))


def add_backend_type(type_class: Any) -> None:
    """Make a backend class known under its type; the first one of a name stays."""
    error.type_check("<COR14161929E>", abc.ABCMeta, type_class=type_class)
    name = type_class.backend_type
    error.type_check("<COR86739292E>", str, type_name=name)
    error.value_check("<COR63190234E>", name.isupper(), f"type_name must be fully UPPERCASE: {name}")
    if name not in module_backend_types():
        module_backend_classes()[name] = type_class
        module_backend_types()[name] = name


@work_in_progress(category=WipCategory.BETA)  # type: ignore[untyped-decorator]  # it fits functions and classes
def register_backend_type(type_class: Any) -> None:
    """Make a backend class known under its `backend_type`."""
    add_backend_type(type_class)


def __getattr__(name: str) -> str:
    # Others than names of types are asked for by whoever looks through all modules.
    if not name.isupper():
        raise AttributeError(name)
    backend_type: str = getattr(module_backend_types(), name)
    return backend_type
