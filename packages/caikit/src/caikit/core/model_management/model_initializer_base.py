"""Components that make runnable models."""

from __future__ import annotations

import abc
from typing import Any

from ..modules.base import ModuleBase
from ..modules.config import ModuleConfig
from ..toolkit.factory import FactoryConstructible

__all__ = ["ModelInitializerBase"]


class ModelInitializerBase(FactoryConstructible):
    """Makes a runnable model from the configuration that a finder found."""

    @abc.abstractmethod
    def init(self, model_config: ModuleConfig, **kwargs: Any) -> ModuleBase | None:
        """The model, None if this initializer has nothing that can run it. The keywords are those of `load`."""
