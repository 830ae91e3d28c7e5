"""What the log says about modules that are accepted, but may not do what their authors expect."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import FunctionType
from typing import TYPE_CHECKING

import alog

from ..exceptions import error_handler
from ..signature_parsing import CaikitMethodSignature
from ..task import TaskBase, declarations_of
from ._inference import InferenceMethod, InferenceMethods

if TYPE_CHECKING:
    from .base import ModuleBase

log = alog.use_channel("MODADVICE")

_OWNERS = ("self", "cls")
_OPTIONS = ("input_streaming", "output_streaming")
_FLAVOURS = ((False, False), (False, True), (True, False), (True, True))


def advise(cls: type[ModuleBase], base: type[ModuleBase], methods: InferenceMethods) -> None:
    """Log what in a class under `@module` is likely to be a mistake."""
    for name in ("load", "train"):
        method = vars(cls).get(name)
        if (
            isinstance(method, FunctionType)
            and next(iter(inspect.signature(method).parameters), "") in _OWNERS
        ):
            log.warning(
                "<COR64402183W>",
                "%s.%s is called on the class: put @classmethod above it",
                cls.MODULE_CLASS,
                name,
            )
    unmarked = list(_unmarked(cls, base, methods))
    for task, found in methods.items():
        if found:
            _about_unmarked(cls, task, found, unmarked)
            _about_inputs(cls, task, found)


def _unmarked(cls: type[ModuleBase], base: type[ModuleBase], methods: InferenceMethods) -> Iterator[str]:
    """Methods whose names say that they run the model, and which no task uses."""
    used = {name for name, _ in declarations_of(cls)}
    used.update(method.signature.method_name for found in methods.values() for method in found)
    for name in dir(cls):
        method = inspect.getattr_static(cls, name) if name.startswith("run") else None
        annotated = isinstance(method, FunctionType) and "return" in method.__annotations__
        if annotated and name not in used and method is not vars(base).get(name):
            yield name


def _about_unmarked(
    cls: type[ModuleBase], task: type[TaskBase], found: tuple[InferenceMethod, ...], unmarked: list[str]
) -> None:
    taken = {(method.input_streaming, method.output_streaming) for method in found}
    for name in unmarked:
        flavour = next(
            (each for each in _FLAVOURS if each not in taken and _fits(cls, name, task, each)), None
        )
        if flavour is not None:
            marks = [f"it with {_mark(task, flavour)}"]
            if not any(declaration.task is task for _, declaration in declarations_of(cls)):
                (default,) = found
                default_mark = _mark(task, (default.input_streaming, default.output_streaming))
                marks.append(f"{default.signature.method_name} with {default_mark}")
            log.warning(
                "<COR64402184W>",
                "%s.%s fits %s, but is not served: mark %s",
                cls.MODULE_CLASS,
                name,
                task.__name__,
                ", and ".join(marks),
            )


def _mark(task: type[TaskBase], flavour: tuple[bool, bool]) -> str:
    options = [f"{option}=True" for option, on in zip(_OPTIONS, flavour, strict=True) if on]
    return f"@{task.__name__}.taskmethod({', '.join(options)})"


def _fits(cls: type[ModuleBase], name: str, task: type[TaskBase], flavour: tuple[bool, bool]) -> bool:
    try:
        with error_handler.without_logging():
            task.validate_run_signature(CaikitMethodSignature(cls, name), *flavour)
    except (TypeError, ValueError):
        return False
    return True


def _about_inputs(cls: type[ModuleBase], task: type[TaskBase], found: tuple[InferenceMethod, ...]) -> None:
    for method in found:
        signature = method.signature
        known = {*task.get_required_parameters(method.input_streaming), *signature.default_parameters}
        for name in signature.parameters or {}:
            if name not in known and name != signature.context_arg:
                log.info(
                    "<COR64402185I>",
                    "%s.%s needs %s, which is no input of %s: give it a default, or callers of all models of the "
                    "task are asked for it",
                    cls.MODULE_CLASS,
                    signature.method_name,
                    name,
                    task.__name__,
                )
