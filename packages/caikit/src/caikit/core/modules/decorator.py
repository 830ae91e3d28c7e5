"""The decorator that makes a class a module."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType, ModuleType
from typing import Any, NoReturn, TypeVar

import alog

from .. import module_backends
from ..data_model.producer import ProducerId
from ..exceptions import error_handler
from ..registries import BackendConfig, module_backend_registry, module_backend_types, module_registry
from ..signature_parsing import CaikitMethodSignature
from ..signature_parsing.module_signature import SCOPE_ATTRIBUTE
from ..task import TaskBase
from ._advice import advise
from ._inference import find_inference_methods
from .base import ModuleBase

__all__ = ["SUPPORTED_LOAD_BACKENDS_VAR_NAME", "module"]

log = alog.use_channel("MODULE-DEC")
error = error_handler.get(log)

ModuleClass = TypeVar("ModuleClass", bound="type[ModuleBase]")

SUPPORTED_LOAD_BACKENDS_VAR_NAME = "SUPPORTED_LOAD_BACKENDS"

_LOCAL = module_backends.LocalBackend.backend_type
_SEMANTIC_VERSION = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(-(0|[1-9]\d*|\d*[a-zA-Z-][\da-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][\da-zA-Z-]*))*)?"
    r"(\+[\da-zA-Z-]+(\.[\da-zA-Z-]+)*)?"
)


@dataclass(frozen=True)
class _Declaration:
    id: str
    name: str
    version: str
    tasks: tuple[type[TaskBase], ...]
    base_tasks: tuple[type[TaskBase], ...]
    backend_type: str
    is_base: bool
    backend_config_override: dict[str, Any] = field(default_factory=dict)


def module(
    id: str | None = None,
    name: str | None = None,
    version: str | None = None,
    task: type[TaskBase] | None = None,
    tasks: list[type[TaskBase]] | None = None,
    backend_type: str = _LOCAL,
    base_module: str | type[ModuleBase] | None = None,
    backend_config_override: dict[str, Any] | None = None,
) -> Callable[[ModuleClass], ModuleClass]:
    """Make a class a module, or an implementation of another module for a backend.

    Args:
        id: unique and stable, it identifies the module of a saved model
        name: for people
        version: semantic version
        task: the task that the module solves
        tasks: the same for several tasks
        backend_type: registered type of the backend that runs the module
        base_module: module (or its id) that this class implements for another backend, in place of id, name and
            version; its tasks are taken over unless others are given
        backend_config_override: handed to the backend when it is made
    """
    error.type_check("<COR92577193E>", str, allow_none=True, id=id, name=name, version=version)
    error.type_check("<COR15389267E>", str, backend_type=backend_type)
    error.type_check("<COR71493802E>", dict, allow_none=True, backend_config_override=backend_config_override)
    own_tasks = _tasks_of(task, tasks)
    override = backend_config_override or {}
    if id is not None and name is not None and version is not None:
        if not _SEMANTIC_VERSION.fullmatch(version):
            error("<COR64920713E>", ValueError(f"{version} is not valid SemVer string"))
        declaration = _Declaration(id, name, version, own_tasks, (), backend_type, True, override)
    else:
        base = _base_module(base_module, {"id": id, "name": name, "version": version})
        declaration = _Declaration(
            base.MODULE_ID,
            base.MODULE_NAME,
            base.MODULE_VERSION,
            own_tasks,
            () if own_tasks else base._tasks,
            backend_type,
            False,
            override,
        )

    def decorate(cls: ModuleClass) -> ModuleClass:
        _check_class(cls, declaration)
        frame = inspect.currentframe()
        setattr(cls, SCOPE_ATTRIBUTE, _types_seen_from(frame.f_back if frame else None))
        _describe(cls, declaration)
        _register(cls, declaration)
        return cls

    return decorate


def _tasks_of(task: type[TaskBase] | None, tasks: list[type[TaskBase]] | None) -> tuple[type[TaskBase], ...]:
    if task is not None and tasks is not None:
        error("<COR87122936E>", ValueError("Specify either task or tasks parameter, not both."))
    error.type_check("<COR36814059E>", list, allow_none=True, tasks=tasks)
    chosen = tuple(tasks or ()) if task is None else (task,)
    for each in chosen:
        error.subclass_check("<COR54118928E>", each, TaskBase)
    return tuple(dict.fromkeys(chosen))


def _base_module(
    base_module: str | type[ModuleBase] | None, given: dict[str, str | None]
) -> type[ModuleBase]:
    if base_module is None:
        missing = ", ".join(f"`{name}`" for name, value in given.items() if value is None)
        error("<COR48012639E>", TypeError(f"expected {missing} or, in place of all three, `base_module`"))
    error.type_check("<COR12603948E>", str, type, base_module=base_module)
    if isinstance(base_module, str):
        registered = module_registry().get(base_module)
        if registered is None:
            _fail(f"Unknown base module id: {base_module}")
        return registered
    error.subclass_check("<COR82193405E>", base_module, ModuleBase)
    if not hasattr(base_module, "MODULE_ID"):
        _fail(f"Base module {base_module} is not decorated with `module`")
    return base_module


def _check_class(cls: type[ModuleBase], declaration: _Declaration) -> None:
    if not (inspect.isclass(cls) and issubclass(cls, ModuleBase)):
        error("<COR32401861E>", TypeError(f"`{getattr(cls, '__name__', cls)}` does not extend ModuleBase"))
    if declaration.backend_type not in module_backend_types():
        _fail(
            f"Cannot override implementation of {declaration.id} for unknown backend type "
            f"{declaration.backend_type}"
        )
    registered = module_registry().get(declaration.id)
    if declaration.is_base and registered is not None and not _is_redefinition(cls, registered):
        error(
            "<COR30607646E>",
            RuntimeError(
                f"MODULE_ID `{declaration.id}` conflicts for classes `{cls.__name__}` and `{registered.__name__}`"
            ),
        )
    implementations = module_backend_registry().get(declaration.id, {})
    implementation = implementations.get(declaration.backend_type)
    if implementation is not None and not _is_redefinition(cls, implementation.impl_class):
        error(
            "<COR60911847E>",
            AssertionError(
                f"Registration conflict! ({declaration.id}, {declaration.backend_type}) "
                f"already registered as {implementation.impl_class}"
            ),
        )


def _fail(message: str) -> NoReturn:
    error("<COR90182437E>", ValueError(f"value check failed: {message}"))


def _is_redefinition(cls: type, registered: type) -> bool:
    """Whether the same code was run again, as in a notebook or a reloaded Python module."""
    return (cls.__module__, cls.__qualname__) == (registered.__module__, registered.__qualname__)


def _types_seen_from(frame: FrameType | None) -> dict[str, Any]:
    """Types that a class defined inside of a function can name in its annotations."""
    if frame is None or frame.f_locals is frame.f_globals:
        return {}
    return {name: value for name, value in frame.f_locals.items() if isinstance(value, type | ModuleType)}


def _describe(cls: type[ModuleBase], declaration: _Declaration) -> None:
    not_own = dict.fromkeys((*declaration.base_tasks, *cls._tasks))
    inherited = tuple(task for task in not_own if task not in declaration.tasks)
    inference_methods = find_inference_methods(cls, declaration.tasks, inherited)
    cls.MODULE_ID = declaration.id
    cls.MODULE_NAME = declaration.name
    cls.MODULE_VERSION = declaration.version
    cls.MODULE_CLASS = f"{cls.__module__}.{cls.__qualname__}"
    cls.PRODUCER_ID = ProducerId(declaration.name, declaration.version)
    cls.RUN_SIGNATURE = CaikitMethodSignature(cls, "run")
    cls.TRAIN_SIGNATURE = CaikitMethodSignature(cls, "train")
    cls.BACKEND_TYPE = declaration.backend_type
    # What a parent can load says nothing about a class for another backend.
    if SUPPORTED_LOAD_BACKENDS_VAR_NAME not in vars(cls):
        cls.SUPPORTED_LOAD_BACKENDS = [declaration.backend_type]
    cls._tasks = (*declaration.tasks, *inherited)
    cls._inference_methods = inference_methods
    advise(cls, ModuleBase, inference_methods)


def _register(cls: type[ModuleBase], declaration: _Declaration) -> None:
    if declaration.is_base:
        module_registry()[declaration.id] = cls
    implementations = module_backend_registry().setdefault(declaration.id, {})
    implementations[declaration.backend_type] = BackendConfig(cls, declaration.backend_config_override)
