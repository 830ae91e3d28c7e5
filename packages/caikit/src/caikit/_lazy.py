"""Module attributes that are imported when they are first used."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["lazy_attributes"]


def lazy_attributes(
    package: str, sources: Mapping[str, Iterable[str]], submodules: Iterable[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` for a package.

    `sources` says which names come from which module; `submodules` are the package's own modules.
    """
    origins = {name: module for module, names in sources.items() for name in names}
    own_modules = frozenset(submodules)

    def get_attribute(name: str) -> Any:
        if name in origins:
            value = getattr(importlib.import_module(origins[name]), name)
        elif name in own_modules:
            value = importlib.import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        vars(sys.modules[package])[name] = value
        return value

    def list_attributes() -> list[str]:
        return sorted({*vars(sys.modules[package]), *origins, *own_modules})

    return get_attribute, list_attributes
