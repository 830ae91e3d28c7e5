"""Finds models through several finders."""

from __future__ import annotations

from typing import Any

import aconfig
import alog

from ..modules.config import ModuleConfig
from ._multi import manager_of, read_priority
from .model_finder_base import ModelFinderBase

__all__ = ["MultiModelFinder"]

log = alog.use_channel("MULTIFIND")


class MultiModelFinder(ModelFinderBase):
    """Finder type MULTI. Config: `finder_priority`, names of finders that are tried in this order."""

    name = "MULTI"

    def __init__(self, config: aconfig.Config, instance_name: str) -> None:
        self._priority = read_priority(config, "finder", instance_name)
        self._manager = manager_of(config)

    def find_model(self, model_path: str, **kwargs: Any) -> ModuleConfig | None:
        """The first configuration that is found; a finder that fails is passed over, None if all do."""
        problems = []
        for name in self._priority:
            try:
                found = self._manager.get_finder(name).find_model(model_path, **kwargs)
            except Exception as problem:  # the next finder may know the model
                problems.append(f"{name}: {problem!r}")
                continue
            if found is not None:
                return found
        log.warning(
            "<COR60728418W>",
            "No finder of %s can find %s. %s",
            self._priority,
            model_path,
            "; ".join(problems),
        )
        return None
