"""Models that were loaded know the content of their `config.yml` as `metadata`."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import alog

from ._config_file import plain

if TYPE_CHECKING:
    from .config import ModuleConfig

log = alog.use_channel("MODMETA")

# Configs that were read since the outermost `load` began, so that none is read twice.
_read_configs: contextvars.ContextVar[dict[str, dict[str, Any]] | None] = contextvars.ContextVar(
    "caikit_read_module_configs", default=None
)


def remember_config(model_path: str, config: ModuleConfig) -> None:
    """Note a config that was read while a model loads."""
    seen = _read_configs.get()
    if seen is not None:
        seen[_key(model_path)] = plain(config)


def with_metadata(load: Callable[..., Any]) -> Callable[..., Any]:
    """The function behind a `load` classmethod, extended to fill the metadata of the model it returns."""

    @functools.wraps(load)
    def load_with_metadata(cls: type, *args: Any, **kwargs: Any) -> Any:
        with _remembering() as seen:
            model = load(cls, *args, **kwargs)
        metadata = getattr(model, "metadata", None)
        if isinstance(metadata, dict):
            metadata.update(_config_of(_source_of(args, kwargs), seen))
        return model

    return load_with_metadata


@contextlib.contextmanager
def _remembering() -> Iterator[dict[str, dict[str, Any]]]:
    seen = _read_configs.get()
    if seen is not None:
        yield seen
        return
    seen = {}
    token = _read_configs.set(seen)
    try:
        yield seen
    finally:
        _read_configs.reset(token)


def _source_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if args:
        return args[0]
    return next((value for name, value in kwargs.items() if "path" in name), None)


def _config_of(source: Any, seen: dict[str, dict[str, Any]]) -> dict[str, Any]:
    from .config import ModuleConfig

    if isinstance(source, ModuleConfig):
        return dict(plain(source))
    if not isinstance(source, str):
        return {}
    if _key(source) in seen:
        return dict(plain(seen[_key(source)]))
    try:
        return dict(plain(ModuleConfig.load(source)))
    except Exception as problem:  # the model itself was loaded, so this is no reason to fail
        log.error("<COR80922164E>", "No metadata for the model loaded from [%s]: %r", source, problem)
        return {}


def _key(model_path: str) -> str:
    return os.path.abspath(model_path)
