"""How much memory a model is expected to take."""

from __future__ import annotations

import abc
import os
from typing import Any

import caikit
from caikit.core.toolkit.factory import FactoryConstructible, ImportableFactory
from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.status import Status

from ._files import size_on_disk


class ModelSizerBase(FactoryConstructible):
    """Estimates the size of models; chosen with `model_management.sizers.default`."""

    @abc.abstractmethod
    def get_model_size(self, model_id: str, local_model_path: str, model_type: str) -> int:
        """The size in bytes; NOT_FOUND if there is no such path."""


class DirectoryModelSizer(ModelSizerBase):
    """The size of the model's files."""

    name = "DIRECTORY"

    def __init__(self, config: Any, instance_name: str) -> None:
        self.config = config
        self.instance_name = instance_name

    def get_model_size(self, model_id: str, local_model_path: str, model_type: str) -> int:
        if not os.path.exists(local_model_path):
            raise RequestError(
                Status.NOT_FOUND,
                f"Failed to estimate size of model '{model_id}',file '{local_model_path}' not found",
            )
        return size_on_disk(local_model_path)


class ModelMeshModelSizer(DirectoryModelSizer):
    """The size of the model's files times a factor per model type."""

    name = "MODEL_MESH"

    def get_model_size(self, model_id: str, local_model_path: str, model_type: str) -> int:
        settings = caikit.get_config().inference_plugin.model_mesh
        factor = settings.model_size_multipliers.get(model_type) or settings.default_model_size_multiplier
        return int(super().get_model_size(model_id, local_model_path, model_type) * factor)


model_sizer_factory = ImportableFactory("ModelSizer")
model_sizer_factory.register(DirectoryModelSizer)
model_sizer_factory.register(ModelMeshModelSizer)
