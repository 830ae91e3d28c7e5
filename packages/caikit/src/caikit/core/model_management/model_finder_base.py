"""Components that find models."""

from __future__ import annotations

import abc
from typing import Any

from ..modules.config import ModuleConfig
from ..toolkit.factory import FactoryConstructible

__all__ = ["ModelFinderBase"]


class ModelFinderBase(FactoryConstructible):
    """Finds the configuration of a model by its path or name."""

    @abc.abstractmethod
    def find_model(self, model_path: str, **kwargs: Any) -> ModuleConfig | None:
        """The configuration of the model, None if there is no such model.

        `model_path` is what was given to `load`: a path, or a name that need not exist on disk. The keywords are those
        of `load`.
        """
