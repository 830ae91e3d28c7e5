"""Makes models with the first of several initializers that can."""

from __future__ import annotations

from typing import Any

import aconfig
import alog

from ..modules.base import ModuleBase
from ..modules.config import ModuleConfig
from ._multi import manager_of, read_priority
from .model_initializer_base import ModelInitializerBase

__all__ = ["MultiModelInitializer"]

log = alog.use_channel("MULTIINIT")


class MultiModelInitializer(ModelInitializerBase):
    """Initializer type MULTI. Config: `initializer_priority`, names of initializers that are tried in this order."""

    name = "MULTI"

    def __init__(self, config: aconfig.Config, instance_name: str) -> None:
        self._priority = read_priority(config, "initializer", instance_name)
        self._manager = manager_of(config)

    def init(self, model_config: ModuleConfig, **kwargs: Any) -> ModuleBase | None:
        """The first model that is made; an initializer that fails is passed over, None if all do."""
        problems = []
        for name in self._priority:
            try:
                model = self._manager.get_initializer(name).init(model_config, **kwargs)
            except Exception as problem:  # the next initializer may be able to
                problems.append(f"{name}: {problem!r}")
                continue
            if model is not None:
                return model
        log.warning(
            "<COR60728419W>",
            "No initializer of %s can make %s. %s",
            self._priority,
            model_config.module_id,
            "; ".join(problems),
        )
        return None
