"""Which method of a module solves which flavour of which task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import alog

from ..exceptions import error_handler
from ..signature_parsing import CaikitMethodSignature
from ..task import TaskBase, declarations_of

if TYPE_CHECKING:
    from .base import ModuleBase

log = alog.use_channel("MODINFER")
error = error_handler.get(log)

# Tried in this order when no method is marked with `taskmethod`: (input streaming, output streaming)
_FLAVOURS_OF_RUN = ((False, False), (True, True), (False, True))


@dataclass(frozen=True)
class InferenceMethod:
    """One validated method."""

    input_streaming: bool
    output_streaming: bool
    signature: CaikitMethodSignature


InferenceMethods = dict[type[TaskBase], tuple[InferenceMethod, ...]]


def find_inference_methods(
    cls: type[ModuleBase], tasks: Sequence[type[TaskBase]], inherited_tasks: Sequence[type[TaskBase]]
) -> InferenceMethods:
    """Validated methods by task; none for a task of a parent that the class no longer fulfils."""
    found = {task: _methods_for(cls, task) for task in tasks}
    for task in inherited_tasks:
        found[task] = ()
        try:
            with error_handler.without_logging():
                found[task] = _methods_for(cls, task)
        except (TypeError, ValueError) as problem:
            log.warning(
                "<COR27180954W>", "%s inherits task %s but does not fulfil it: %s", cls, task, problem
            )
    return found


def _methods_for(cls: type[ModuleBase], task: type[TaskBase]) -> tuple[InferenceMethod, ...]:
    declared = [(name, declaration) for name, declaration in declarations_of(cls) if declaration.task is task]
    if not declared:
        return (_method_called_run(cls, task),)
    methods = []
    for name, declaration in declared:
        signature = CaikitMethodSignature(cls, name, declaration.context_arg)
        flavour = (declaration.input_streaming, declaration.output_streaming)
        task.validate_run_signature(signature, *flavour)
        methods.append(InferenceMethod(*flavour, signature))
    return tuple(methods)


def _method_called_run(cls: type[ModuleBase], task: type[TaskBase]) -> InferenceMethod:
    signature = CaikitMethodSignature(cls, "run")
    problems: list[Exception] = []
    for flavour in _FLAVOURS_OF_RUN:
        try:
            with error_handler.without_logging():
                task.validate_run_signature(signature, *flavour)
        except (TypeError, ValueError) as problem:
            problems.append(problem)
        else:
            return InferenceMethod(*flavour, signature)
    return error("<COR17384928E>", problems[0])
