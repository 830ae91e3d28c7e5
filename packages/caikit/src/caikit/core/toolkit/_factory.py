"""Objects chosen by the key "type" of a piece of configuration."""

from __future__ import annotations

import abc
import importlib
from collections.abc import Hashable, Mapping
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
        """The value of "type" that stands for this class, and the default name of its instances.

        A plain class attribute in subclasses: `name = "REDIS"`.
        """

    @abc.abstractmethod
    def __init__(self, config: aconfig.Config, instance_name: str) -> None:
        """`config` belongs to this instance and may be changed; a key that is not in it reads as None."""


class Factory:
    """Builds registered classes from `{"type": name, "config": {...}}`.

    `name` says in errors what kind of objects these are.
    """

    TYPE_KEY = "type"
    CONFIG_KEY = "config"

    def __init__(self, name: str) -> None:
        self._name = name
        self._registered: dict[Any, type[FactoryConstructible]] = {}
        self._paths: dict[str, str] = {}

    @property
    def name(self) -> str:
        return self._name

    def register(self, constructible: type[FactoryConstructible]) -> None:
        """Make a class known under its name; ValueError if another class has this name already."""
        present = self._registered.setdefault(constructible.name, constructible)
        if present is not constructible:
            error(
                "<COR27473932E>",
                ValueError(f"value check failed: Conflicting registration of {constructible.name}"),
            )

    def register_path(self, name: str, path: str) -> None:
        """Make the class at a dotted path known under its name; it is imported when it is first asked for."""
        self._paths[name] = path

    def construct(self, instance_config: Mapping[str, Any], instance_name: str | None = None) -> Any:
        """An instance of the class that `instance_config` names; ValueError if no class has this name.

        `instance_name` tells instances of one class apart; without it, it is the name of the class.
        """
        error.type_check("<COR94022751E>", Mapping, instance_config=instance_config)
        type_name = instance_config.get(self.TYPE_KEY)
        if isinstance(type_name, str) and type_name in self._paths and type_name not in self._registered:
            self.register(_import(self._paths[type_name]))
        constructible = self._registered.get(type_name) if isinstance(type_name, Hashable) else None
        if constructible is None:
            error(
                "<COR41162423E>",
                ValueError(f"value check failed: No {self.name} class registered for type {type_name}"),
            )
        settings = instance_config.get(self.CONFIG_KEY) or {}
        error.type_check("<COR28563119E>", Mapping, config=settings)
        # the environment was applied to the whole configuration already
        config = aconfig.Config(settings, override_env_vars=False)
        return constructible(config, instance_name or str(constructible.name))


class ImportableFactory(Factory):
    """A factory that first imports and registers the class named by "import_class", a dotted path.

    "type" must be the name of that class. A path that leads to no class is a ValueError, one that leads to
    something else than a FactoryConstructible a TypeError.
    """

    IMPORT_CLASS_KEY = "import_class"

    def construct(self, instance_config: Mapping[str, Any], instance_name: str | None = None) -> Any:
        error.type_check("<COR69107843E>", Mapping, instance_config=instance_config)
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
