"""How the store turns a model path into a module instance."""

from __future__ import annotations

import abc
from typing import Any

import alog

from caikit.core import MODEL_MANAGER, ModuleBase
from caikit.core.toolkit.factory import FactoryConstructible, ImportableFactory

log = alog.use_channel("MODEL-LOADER")


class ModelLoaderBase(FactoryConstructible):
    """Loads the models of a runtime; chosen with `model_management.loaders.default`."""

    @abc.abstractmethod
    def load_module_instance(
        self, model_path: str, model_id: str, model_type: str, finder: Any = None, initializer: Any = None
    ) -> ModuleBase:
        """Load the model; whatever is raised becomes the error of its requests."""


class CoreModelLoader(ModelLoaderBase):
    """Loads with `caikit.load`."""

    name = "CORE"

    def __init__(self, config: Any, instance_name: str) -> None:
        self.config = config
        self.instance_name = instance_name

    def load_module_instance(
        self, model_path: str, model_id: str, model_type: str, finder: Any = None, initializer: Any = None
    ) -> ModuleBase:
        log.info("<RUN89711114I>", "Loading model '%s'", model_id)
        chosen = {"finder": finder, "initializer": initializer}
        return MODEL_MANAGER.load(
            model_path, **{key: value for key, value in chosen.items() if value is not None}
        )


model_loader_factory = ImportableFactory("ModelLoader")
model_loader_factory.register(CoreModelLoader)
