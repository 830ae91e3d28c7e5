"""Makes the objects for models on other servers."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import aconfig

from caikit.core.model_management import ModelInitializerBase
from caikit.core.modules import ModuleBase, ModuleConfig

from ._remote_class import class_key, remote_class
from .remote_config import RemoteModuleConfig

__all__ = ["RemoteModelInitializer"]


class RemoteModelInitializer(ModelInitializerBase):
    """Initializer type REMOTE, for what a finder of type REMOTE has found. It has no configuration."""

    name = "REMOTE"

    def __init__(self, config: aconfig.Config, instance_name: str) -> None:
        self._instance_name = instance_name
        self._module_class_map: dict[str, type[ModuleBase]] = {}
        self._made_for: dict[str, Hashable] = {}

    def init(self, model_config: ModuleConfig, **kwargs: Any) -> ModuleBase | None:
        """A remote model; None for the configuration of any other model."""
        if not isinstance(model_config, RemoteModuleConfig):
            return None
        extras = {
            name: model_config[name]
            for name in ("metadata", "token_file")
            if model_config.get(name) is not None
        }
        make: Any = self._class_for(model_config)
        model: ModuleBase = make(
            model_config.connection,
            model_config.protocol,
            model_config.model_key,
            model_config.model_path,
            **extras,
        )
        return model

    def construct_module_class(self, model_config: RemoteModuleConfig) -> type[ModuleBase]:
        """The class for remote models of one module."""
        return remote_class(model_config)

    def _class_for(self, model_config: RemoteModuleConfig) -> type[ModuleBase]:
        module_id, key = model_config.module_id, class_key(model_config)
        if self._made_for.get(module_id) != key:
            self._module_class_map[module_id] = self.construct_module_class(model_config)
            self._made_for[module_id] = key
        return self._module_class_map[module_id]
