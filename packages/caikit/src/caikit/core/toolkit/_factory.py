"""Objects chosen by the key "type" of a piece of configuration."""

from __future__ import annotations

import abc
import importlib
from collections.abc import Mapping
from typing import Any

import aconfig
import alog

from ..exceptions import error_handler

__all__ = ["Factory", "FactoryConstructible", "ImportableFactory"]

error = error_handler.get(alog.use_channel("FCTRY"))


class FactoryConstructible(abc.ABC):
    """What a factory can build: a class with a name and a fixed constructor."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The value of "type" that stands for this class; a plain class attribute in subclasses."""

    @abc.abstractmethod
    def __init__(self, config: aconfig.Config, instance_name: str) -> None:
        """`config` belongs to this instance and may be changed."""


class Factory:
    """Builds registered classes from `{"type": name, "config": {...}}`."""

    TYPE_KEY = "type"
    CONFIG_KEY = "config"

    def __init__(self, name: str) -> None:
        self._name = name
        self._registered: dict[Any, type[FactoryConstructible]] = {}

    @property
    def name(self) -> str:
        return self._name

    def register(self, constructible: type[FactoryConstructible]) -> None:
        """Make a class known under its name."""
        present = self._registered.setdefault(constructible.name, constructible)
        if present is not constructible:
            error(
                "<COR27473932E>",
                ValueError(f"value check failed: Conflicting registration of {constructible.name}"),
            )

    def construct(self, instance_config: Mapping[str, Any], instance_name: str | None = None) -> Any:
        """An instance of the class that `instance_config` names."""
        type_name = instance_config.get(self.TYPE_KEY)
        constructible = self._registered.get(type_name)
        if constructible is None:
            error(
                "<COR41162423E>",
                ValueError(f"value check failed: No {self.name} class registered for type {type_name}"),
            )
        # the environment was applied to the whole configuration already
        config = aconfig.Config(instance_config.get(self.CONFIG_KEY) or {}, override_env_vars=False)
        return constructible(config, instance_name or str(constructible.name))


class ImportableFactory(Factory):
    """A factory that first imports and registers the class named by "import_class"."""

    IMPORT_CLASS_KEY = "import_class"

    def construct(self, instance_config: Mapping[str, Any], instance_name: str | None = None) -> Any:
        import_class = instance_config.get(self.IMPORT_CLASS_KEY)
        if import_class:
            error.type_check("<COR85108801E>", str, import_class=import_class)
            self.register(_import(import_class))
        return super().construct(instance_config, instance_name)


def _import(path: str) -> type[FactoryConstructible]:
    module_name, _, class_name = path.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except (ImportError, ValueError) as cause:
        error(
            "<COR46837141E>",
            ValueError(f"Invalid import_class: Module cannot be imported [{module_name}]"),
            cause,
        )
    found: Any = getattr(module, class_name, None)
    if found is None:
        error(
            "<COR46837142E>",
            ValueError(f"Invalid import_class: No such class [{class_name}] on module [{module_name}]"),
        )
    error.subclass_check("<COR52306423E>", found, FactoryConstructible)
    imported: type[FactoryConstructible] = found
    return imported
