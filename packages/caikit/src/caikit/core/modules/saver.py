"""Writing a model into a directory."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import alog

from ...config import get_config
from ..exceptions import error_handler
from ..toolkit.serializers import ObjectSerializer
from ._config_file import config_path, plain
from .config import ModuleConfig

if TYPE_CHECKING:
    from .base import ModuleBase

__all__ = ["ModuleSaver"]

log = alog.use_channel("MODSAVER")
error = error_handler.get(log)

_PREVIOUS = ".previous"

_Fingerprint = frozenset[tuple[str, int, int]]


class ModuleSaver:
    """Context in which a model is written; its `config.yml` is written last, and only if all went well.

    A directory that is saved to again holds no `config.yml` meanwhile, so it never looks complete when it is not.
    """

    SAVED_KEY_NAME = "saved"
    CREATED_KEY_NAME = "created"
    TRACKING_KEY_NAME = "tracking_id"
    MODULE_VERSION_KEY_NAME = "version"
    MODULE_ID_KEY_NAME = "module_id"
    MODULE_CLASS_KEY_NAME = "module_class"

    def __init__(self, module: ModuleBase, model_path: str | os.PathLike[str], exist_ok: bool = True) -> None:
        from .base import ModuleBase

        error.type_check("<COR73746404E>", ModuleBase, module=module)
        error.type_check("<COR09365842E>", str, os.PathLike, model_path=model_path)
        self.model_path = os.path.normpath(model_path)
        self.exist_ok = exist_ok
        self.library_name, self.library_version = _library_of(type(module))
        self.config = self._initial_config(module)
        self._directory_is_new = False
        self._previous: _Previous | None = None

    def update_config(self, additional_config: dict[str, Any]) -> None:
        """Add entries to the configuration that will be written."""
        error.type_check("<COR31158203E>", dict, additional_config=additional_config)
        self.config.update(additional_config)

    def add_dir(self, relative_path: str, base_relative_path: str = "") -> tuple[str, str]:
        """Create a directory inside the model; returns its relative and its full path."""
        relative_path = os.path.join(os.path.normpath(base_relative_path), os.path.normpath(relative_path))
        absolute_path = os.path.join(self.model_path, relative_path)
        os.makedirs(absolute_path, exist_ok=True)
        return relative_path, absolute_path

    def copy_file(self, file_path: str, relative_path: str = "") -> tuple[str, str]:
        """Copy a file into the model; returns its relative and its full path."""
        if not os.path.isfile(file_path):
            error(
                "<COR54168077E>",
                FileNotFoundError(f"Attempted to add `{file_path}` but is not a regular file."),
            )
        relative_directory, directory = self.add_dir(relative_path)
        name = os.path.basename(file_path)
        shutil.copyfile(file_path, os.path.join(directory, name))
        return os.path.join(relative_directory, name), os.path.join(directory, name)

    def save_object(
        self, obj: Any, filename: str, serializer: ObjectSerializer, relative_path: str = ""
    ) -> tuple[str, str]:
        """Write an object with a serializer; returns the file's relative and its full path."""
        if not isinstance(serializer, ObjectSerializer):
            error(
                "<COR49385128E>",
                TypeError(f"`{type(serializer).__name__}` does not extend `ObjectSerializer`"),
            )
        relative_directory, directory = self.add_dir(relative_path)
        file_path = os.path.normpath(os.path.join(directory, filename))
        serializer.serialize(obj, file_path)
        return os.path.normpath(os.path.join(relative_directory, filename)), file_path

    def save_module(self, module: ModuleBase, relative_path: str, **kwargs: Any) -> tuple[str, str]:
        """Save a sub-module and note it in `module_paths`; returns its relative and its full path."""
        paths = self._save_module(module, relative_path, kwargs)
        self._module_paths()[relative_path] = paths[0]
        return paths

    def save_module_list(
        self, modules: dict[str, ModuleBase], config_key: str, **kwargs: Any
    ) -> tuple[list[str], list[str]]:
        """Save sub-modules under one key of `module_paths`; returns their relative and their full paths."""
        error.type_check("<COR44644420E>", dict, modules=modules)
        error.type_check("<COR54316176E>", str, config_key=config_key)
        saved = [self._save_module(module, path, kwargs) for path, module in modules.items()]
        relative_paths = [relative_path for relative_path, _ in saved]
        self._module_paths()[config_key] = relative_paths
        return relative_paths, [absolute_path for _, absolute_path in saved]

    def __enter__(self) -> ModuleSaver:
        self._directory_is_new = not os.path.exists(self.model_path)
        os.makedirs(self.model_path, exist_ok=self.exist_ok)
        if os.path.exists(config_path(self.model_path)):
            self._previous = _Previous(self.model_path)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_type is None:
            try:
                ModuleConfig(plain(self.config)).save(self.model_path)
            except BaseException:
                self._clean_up()
                raise
            _forget_previous(self.model_path)
        else:
            self._clean_up()

    def _clean_up(self) -> None:
        if self._previous is not None:
            self._previous.restore_if_untouched()
        elif self._directory_is_new and not self.exist_ok:
            shutil.rmtree(self.model_path, ignore_errors=True)

    def _initial_config(self, module: ModuleBase) -> dict[str, Any]:
        cls = type(module)
        now = str(datetime.now())
        version_key = f"{self.library_name}_version"
        kept = plain(module.metadata)
        for key in (version_key, self.SAVED_KEY_NAME, *ModuleConfig.reserved_keys):
            kept.pop(key, None)
        return {
            version_key: self.library_version,
            self.CREATED_KEY_NAME: now,
            self.SAVED_KEY_NAME: now,
            "name": cls.MODULE_NAME,
            self.TRACKING_KEY_NAME: str(uuid.uuid4()),
            self.MODULE_ID_KEY_NAME: cls.MODULE_ID,
            self.MODULE_CLASS_KEY_NAME: cls.MODULE_CLASS,
            self.MODULE_VERSION_KEY_NAME: cls.MODULE_VERSION,
            **kept,
        }

    def _save_module(self, module: ModuleBase, relative_path: str, kwargs: Any) -> tuple[str, str]:
        from .base import ModuleBase

        if not isinstance(module, ModuleBase):
            error("<COR30664151E>", TypeError(f"`{type(module).__name__}` does not extend `ModuleBase`"))
        # The leading "./" is part of the format of saved models.
        saved_path = f".{os.sep}{relative_path}"
        absolute_path = os.path.join(self.model_path, saved_path)
        module.save(absolute_path, **kwargs)
        return saved_path, absolute_path

    def _module_paths(self) -> dict[str, Any]:
        module_paths: dict[str, Any] = self.config.setdefault("module_paths", {})
        return module_paths


class _Previous:
    """The `config.yml` of a directory that is saved to again, put aside while the save goes on."""

    def __init__(self, model_path: str) -> None:
        self._model_path = model_path
        self._aside = Path(config_path(model_path)).replace(
            os.path.join(model_path, f".config-{uuid.uuid4().hex}{_PREVIOUS}")
        )
        self._before = _fingerprint(model_path)

    def restore_if_untouched(self) -> None:
        """After a failed save, the old model is complete only if nothing of it was changed."""
        if _fingerprint(self._model_path) == self._before:
            self._aside.replace(config_path(self._model_path))
        else:
            log.warning(
                "<COR83910462W>",
                "Saving over [%s] failed in the middle; its former config.yml is now [%s]",
                self._model_path,
                self._aside,
            )


def _forget_previous(model_path: str) -> None:
    """Also what earlier saves left when they were killed."""
    for aside in Path(model_path).glob(f".config-*{_PREVIOUS}"):
        aside.unlink(missing_ok=True)


def _fingerprint(model_path: str) -> _Fingerprint:
    files = (os.path.join(directory, name) for directory, _, names in os.walk(model_path) for name in names)
    return frozenset((path, os.lstat(path).st_mtime_ns, os.lstat(path).st_size) for path in files)


def _library_of(module_class: type) -> tuple[str, str]:
    libraries = get_config().libraries or {}
    name = module_class.__module__.partition(".")[0]
    for candidate, settings in libraries.items():
        module_path = settings.get("module_path") if isinstance(settings, dict) else None
        if module_path and f"{module_class.__module__}.".startswith(f"{module_path}."):
            name = candidate
            break
    from importlib import metadata  # takes memory that servers need not spend before a model is saved

    with contextlib.suppress(metadata.PackageNotFoundError, ValueError):
        return name, metadata.version(name)
    configured = libraries.get(name)
    version = configured.get("version") if isinstance(configured, dict) else None
    return name, str(version or "0.0.0")
