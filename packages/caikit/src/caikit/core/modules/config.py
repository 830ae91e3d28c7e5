"""The configuration of a saved model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import aconfig
import alog

from ..exceptions import error_handler
from ._config_file import config_path, plain, read_config, write_config
from ._metadata import remember_config

__all__ = ["ModuleConfig"]

log = alog.use_channel("MODCONFIG")
error = error_handler.get(log)

_LEGACY_ID_KEYS = ("block_id", "workflow_id", "resource_id")


class ModuleConfig(aconfig.Config):  # type: ignore[misc]  # aconfig publishes no types
    """Content of a model's `config.yml`; keys are attributes, missing ones read as None."""

    reserved_keys = ["model_path"]

    def __init__(self, config_dict: dict[str, Any], override_env_vars: bool = False) -> None:
        error.type_check("<COR71170339E>", dict, config_dict=config_dict)
        for key in self.reserved_keys:
            if key in {str(present).lower() for present in config_dict}:
                error(
                    "<COR80419305E>",
                    KeyError(
                        f"Do not add `{key}` as top-level key in `config.yml`. This is for internal use only."
                    ),
                )
        super().__init__(config_dict, override_env_vars=override_env_vars)

    @classmethod
    def load(cls, model_path: str | ModuleConfig) -> ModuleConfig:
        """Read the `config.yml` of a model directory; a ModuleConfig is returned as it is."""
        error.type_check("<COR71170340E>", str, ModuleConfig, model_path=model_path)
        if isinstance(model_path, ModuleConfig):
            return model_path
        if not os.path.isfile(config_path(model_path)):
            # Not logged: finders try paths that may hold no model.
            raise FileNotFoundError(
                f"Module path `{model_path}` is not a directory with a `config.yml` file."
            )
        content = read_config(model_path)
        if content.get("module_id") is None:
            content["module_id"] = cls._legacy_id(content, model_path)
        config = cls(content)
        config.model_path = model_path
        remember_config(model_path, config)
        return config

    def save(self, model_path: str) -> None:
        """Write `config.yml`, without reserved keys, into a directory, which is created if necessary."""
        os.makedirs(model_path, exist_ok=True)
        write_config(model_path, {key: value for key, value in self.items() if key not in self.reserved_keys})

    @staticmethod
    def _legacy_id(content: Mapping[str, Any], model_path: str) -> Any:
        for key in _LEGACY_ID_KEYS:
            if content.get(key) is not None:
                log.warning(
                    "<COR80155031W>", "The key [%s] is deprecated, use [module_id]: %s", key, model_path
                )
                return content[key]
        return error("<COR82701436E>", KeyError(f"No module_id found in config at {model_path}"))

    def __deepcopy__(self, memo: dict[int, Any]) -> ModuleConfig:
        return _restored(type(self), plain(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), plain(self))


def _restored(cls: type[ModuleConfig], content: dict[str, Any]) -> ModuleConfig:
    """A copy, reserved keys included, which the constructor would refuse."""
    config = cls({key: value for key, value in content.items() if key not in cls.reserved_keys})
    config.update({key: content[key] for key in cls.reserved_keys if key in content})
    return config
