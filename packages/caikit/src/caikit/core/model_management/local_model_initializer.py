"""Loads models into this process, or through the backends of this process."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NoReturn

import aconfig
import alog

from ..exceptions import error_handler
from ..module_backends.base import BackendBase
from ..module_backends.local_backend import LocalBackend
from ..modules._offered import require_load
from ..modules.base import ModuleBase
from ..modules.config import ModuleConfig
from ..registries import BackendConfig, module_backend_classes, module_backend_registry
from .model_initializer_base import ModelInitializerBase

__all__ = ["LocalModelInitializer"]

log = alog.use_channel("LINIT")
error = error_handler.get(log)

_DEFAULT_PRIORITY = [{"type": LocalBackend.backend_type}]
_LOAD_BACKEND = "load_backend"


class LocalModelInitializer(ModelInitializerBase):
    """Initializer type LOCAL. Config: `backend_priority`, a list of `{type, config?}`, most wanted first."""

    name = "LOCAL"

    def __init__(self, config: aconfig.Config, instance_name: str) -> None:
        self._instance_name = instance_name
        priority = config.get("backend_priority")
        priority = _DEFAULT_PRIORITY if priority is None else priority
        error.type_check("<COR46006487E>", list, backend_priority=priority)
        self._backends = [_make_backend(index, entry) for index, entry in enumerate(priority)]

    @property
    def backends(self) -> list[BackendBase]:
        """The backends, most wanted first."""
        return list(self._backends)

    def init(self, model_config: ModuleConfig, **kwargs: Any) -> ModuleBase | None:
        """The model as the first backend makes it that has an implementation of its module; None if none has.

        An implementation is passed over unless it can load what the `model_backend` of the configuration has saved.
        The backend itself goes to a `load` that has a parameter `load_backend`.
        """
        error.type_check("<COR29853720E>", ModuleConfig, model_config=model_config)
        implementations = module_backend_registry().get(model_config.module_id, {})
        saved_by = model_config.model_backend or LocalBackend.backend_type
        for backend in self._backends:
            implementation = implementations.get(backend.backend_type)
            if implementation and saved_by in implementation.impl_class.SUPPORTED_LOAD_BACKENDS:
                return _load(implementation, backend, model_config, kwargs)
        log.debug("No implementation of %s for the configured backends", model_config.module_id)
        return None


def _make_backend(index: int, entry: dict[str, Any]) -> BackendBase:
    error.type_check("<COR40280539E>", dict, backend_priority_entry=entry)
    backend_type = entry.get("type")
    if backend_type is None:
        _fail("All backend priority configs must have a 'type' field")
    if backend_type not in module_backend_classes():
        _fail(f"Invalid backend [{backend_type}] found at backend_priority index [{index}]")
    backend = module_backend_classes()[backend_type](
        aconfig.Config(entry.get("config") or {}, override_env_vars=False)
    )
    for implementations in module_backend_registry().values():
        implementation = implementations.get(backend_type)
        if implementation and implementation.backend_config_override:
            backend.register_config(implementation.backend_config_override)
    return backend


def _fail(message: str) -> NoReturn:
    error("<COR76393187E>", ValueError(f"value check failed: {message}"))


def _load(
    implementation: BackendConfig, backend: BackendBase, model_config: ModuleConfig, kwargs: dict[str, Any]
) -> ModuleBase:
    require_load(implementation.impl_class)
    load = implementation.impl_class.load
    if _LOAD_BACKEND in inspect.signature(load).parameters:
        kwargs = {**kwargs, _LOAD_BACKEND: backend}
    model: ModuleBase = _call(load, model_config, kwargs)
    error.type_check("<COR59018340E>", ModuleBase, model=model)
    model.set_load_backend(backend)
    return model


def _call(load: Callable[..., Any], model_config: ModuleConfig, kwargs: dict[str, Any]) -> Any:
    """What `load` makes of the path, if that is what it is declared to take, else of the configuration."""
    path = model_config.model_path
    if isinstance(path, str) and _wants_path(load):
        return load(path, **kwargs)
    try:
        return load(model_config, **kwargs)
    except Exception as problem:
        if not _is_about_argument(problem, model_config):
            raise
        log.debug("<COR98539580D>", "%s takes no ModuleConfig (%r); trying the path", load, problem)
        try:
            return load(path, **kwargs)
        except Exception as second_problem:
            raise second_problem from problem


def _wants_path(load: Callable[..., Any]) -> bool:
    first = next(iter(inspect.signature(load).parameters.values()), None)
    return first is not None and first.annotation in (str, "str")


def _is_about_argument(problem: Exception, model_config: ModuleConfig) -> bool:
    """Whether `load` failed because it wants a path: only then is a second, maybe expensive attempt worth it."""
    if isinstance(problem, TypeError | AttributeError | AssertionError):
        return True
    text = str(problem)
    return ModuleConfig.__name__ in text or repr(model_config.module_id) in text
