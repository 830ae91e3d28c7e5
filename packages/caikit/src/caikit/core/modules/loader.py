"""Reading what a ModuleSaver wrote."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import alog

from ..exceptions import error_handler
from .config import ModuleConfig

if TYPE_CHECKING:
    from .base import ModuleBase

__all__ = ["ModuleLoader"]

error = error_handler.get(alog.use_channel("MODLOADER"))


class ModuleLoader:
    """Access to the configuration and the sub-modules of a saved model."""

    def __init__(self, model_path: str | ModuleConfig) -> None:
        self.config = ModuleConfig.load(model_path)
        self.model_path: str = self.config.model_path

    def load_arg(self, arg: str) -> Any:
        """The value of a key, None if it is missing."""
        return getattr(self.config, arg)

    def load_args(self, *args: str) -> tuple[Any, ...]:
        """The values of several keys in the order of the names, None for each that is missing."""
        return tuple(self.load_arg(arg) for arg in args)

    def load_module(self, module_path: str, load_singleton: bool = False) -> ModuleBase:
        """Load the sub-module that was saved under this key.

        KeyError if there is none, ValueError if the key leads out of the model.
        """
        relative_path = self._saved_path(module_path, "module")
        return self._load(relative_path, load_singleton)

    def load_module_list(self, module_paths: str) -> list[ModuleBase]:
        """Load the list of sub-modules that was saved under this key."""
        relative_paths = self._saved_path(module_paths, "workflow")
        error.type_check("<COR12381043E>", list, **{module_paths: relative_paths})
        return [self._load(relative_path, False) for relative_path in relative_paths]

    def _saved_path(self, key: str, kind: str) -> Any:
        saved_paths = self.config.module_paths
        if saved_paths is None:
            error("<COR08580509E>", KeyError(f"Missing `module_paths` in {kind} config!"))
        if key not in saved_paths:
            error("<COR22069088E>", KeyError(f"Missing required {key} key in config.module_paths!"))
        return saved_paths[key]

    def _load(self, relative_path: str, load_singleton: bool) -> ModuleBase:
        from caikit.core import load

        error.type_check("<COR12381044E>", str, relative_path=relative_path)
        inside = Path(os.path.normpath(relative_path))
        if inside.is_absolute() or os.pardir in inside.parts:
            error(
                "<COR12381045E>",
                ValueError(
                    f"expected a path inside of the model in config.module_paths, got `{relative_path}`"
                ),
            )
        return load(os.path.join(self.model_path, relative_path), load_singleton=load_singleton)
