"""Finds models on disk."""

from __future__ import annotations

import os
from typing import Any

import aconfig
import alog

from ..exceptions import error_handler
from ..modules.config import ModuleConfig
from .model_finder_base import ModelFinderBase

__all__ = ["LocalModelFinder"]

log = alog.use_channel("LFIND")
error = error_handler.get(log)


class LocalModelFinder(ModelFinderBase):
    """Finder type LOCAL. Config: `load_path`, a directory in front of paths that do not exist as they are."""

    name = "LOCAL"

    def __init__(self, config: aconfig.Config, instance_name: str) -> None:
        self._instance_name = instance_name
        self._load_path: str | None = config.get("load_path")
        error.type_check("<COR94217364E>", str, allow_none=True, load_path=self._load_path)

    def find_model(self, model_path: str, **kwargs: Any) -> ModuleConfig:
        """The configuration in the directory; FileNotFoundError if there is none."""
        error.type_check("<COR69385417E>", str, model_path=model_path)
        if self._load_path is not None and not os.path.exists(model_path):
            model_path = os.path.join(self._load_path, model_path)
        return ModuleConfig.load(os.path.normpath(model_path))
