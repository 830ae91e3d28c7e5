"""Tasks: named problems with typed inputs and outputs, which modules solve."""

from __future__ import annotations

import collections.abc
import dataclasses
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import alog

from ._task_types import (
    accepts_input,
    accepts_input_stream,
    provides_output,
    provides_output_stream,
)
from .data_model.base import DataBase
from .exceptions import error_handler
from .signature_parsing import CaikitMethodSignature

__all__ = ["TaskBase", "task"]

log = alog.use_channel("TASK-BASE")
error = error_handler.get(log)

TaskClass = TypeVar("TaskClass", bound="type[TaskBase]")
Method = TypeVar("Method", bound=Callable[..., Any])

DECLARATIONS_ATTRIBUTE = "_caikit_task_methods"


@dataclass(frozen=True)
class TaskMethod:
    """That a method solves one streaming flavour of a task."""

    task: type[TaskBase]
    input_streaming: bool
    output_streaming: bool
    context_arg: str | None


@dataclass(frozen=True)
class _Interface:
    unary_parameters: Mapping[str, Any] = field(default_factory=dict)
    streaming_parameters: Mapping[str, Any] = field(default_factory=dict)
    unary_output_type: Any = None
    streaming_output_type: Any = None
    visible: bool = True
    metadata: Mapping[str, Any] = field(default_factory=dict)


class TaskBase:
    """Base of all tasks; a task that derives from another one inherits its inputs and outputs."""

    _interface = _Interface()

    @classmethod
    def taskmethod(
        cls, input_streaming: bool = False, output_streaming: bool = False, context_arg: str | None = None
    ) -> Callable[[Method], Method]:
        """Mark a module's method as the one that solves this flavour of the task.

        `context_arg` names the parameter that receives the context of the request.
        """
        declaration = TaskMethod(cls, input_streaming, output_streaming, context_arg)

        def declare(method: Method) -> Method:
            known = getattr(method, DECLARATIONS_ATTRIBUTE, ())
            setattr(method, DECLARATIONS_ATTRIBUTE, (*known, declaration))
            return method

        return declare

    @classmethod
    def get_required_parameters(cls, input_streaming: bool) -> dict[str, Any]:
        """Types of the required parameters by name."""
        interface = cls._interface
        parameters = interface.streaming_parameters if input_streaming else interface.unary_parameters
        if not parameters:
            kind = "streaming" if input_streaming else "unary"
            raise ValueError(f"No {kind} inputs are specified for this task")
        return dict(parameters)

    @classmethod
    def get_output_type(cls, output_streaming: bool) -> Any:
        """The type of the result, `Iterable[T]` or the like when streaming."""
        interface = cls._interface
        output_type = interface.streaming_output_type if output_streaming else interface.unary_output_type
        if output_type is None:
            kind = "streaming" if output_streaming else "unary"
            raise ValueError(f"No {kind} outputs are specified for this task")
        return output_type

    @classmethod
    def get_visibility(cls) -> bool:
        """Whether generated documentation shows the task."""
        return cls._interface.visible

    @classmethod
    def get_metadata(cls) -> dict[str, Any]:
        """The free entries of the declaration, such as `extra_openapi`; a copy."""
        return dict(cls._interface.metadata)

    @classmethod
    def validate_run_signature(
        cls, signature: CaikitMethodSignature, input_streaming: bool, output_streaming: bool
    ) -> None:
        """Raise if the method does not solve this flavour of the task."""
        missing = f"Task could not be validated, no .{signature.method_name}"
        place = f"{signature.module.__qualname__}.{signature.method_name}"
        if not signature.parameters:
            needed = (
                cls._interface.streaming_parameters if input_streaming else cls._interface.unary_parameters
            )
            method = f"{place}({', '.join(['self', *needed])})"
            remedy = f"{cls.__name__} needs {method}, or a method with @{cls.__name__}.taskmethod()"
            error("<COR17384927E>", ValueError(f"{missing} parameters were provided: {remedy}"))
        if signature.return_type is None and "return" not in signature.unresolved:
            remedy = f"{cls.__name__} needs a type after -> of {place}"
            error("<COR50317394E>", ValueError(f"{missing} return type was provided: {remedy}"))
        cls._validate_inputs(signature, input_streaming)
        cls._validate_output(signature, output_streaming)

    @classmethod
    def _validate_inputs(cls, signature: CaikitMethodSignature, input_streaming: bool) -> None:
        offered = signature.parameters or {}
        required = cls.get_required_parameters(input_streaming)
        absent = [name for name in required if name not in offered]
        if absent:
            error(
                "<COR31480375E>",
                TypeError(f"Required parameters {absent} not in signature for module: {signature.module}"),
            )
        checked = {name: kind for name, kind in required.items() if name not in signature.unresolved}
        if input_streaming:
            for name, kind in checked.items():
                if not accepts_input_stream(offered[name], kind):
                    message = f"Wrong input type for {name}, expected {kind} but got {offered[name]}"
                    error("<COR52740295E>", TypeError(f"{message}{_where(signature)}"))
            return
        wrong = [
            f"Parameter {name} has type {offered[name]} but type {kind} is required"
            for name, kind in checked.items()
            if not accepts_input(offered[name], kind)
        ]
        if wrong:
            message = f"Wrong types provided for parameters to {signature.module}: {wrong}"
            error("<COR38297184E>", TypeError(f"{message}{_where(signature)}"))

    @classmethod
    def _validate_output(cls, signature: CaikitMethodSignature, output_streaming: bool) -> None:
        required = cls.get_output_type(output_streaming)
        if "return" in signature.unresolved:
            return
        provides = provides_output_stream if output_streaming else provides_output
        if not provides(signature.return_type, required):
            message = (
                f"Wrong output type for module {signature.module}: "
                f"Found {signature.return_type} but expected {required}"
            )
            error("<COR68204817E>", TypeError(f"{message}{_where(signature)}"))


def _where(signature: CaikitMethodSignature) -> str:
    return "" if signature.method_name == "run" else f" (method {signature.method_name})"


def task(
    unary_parameters: dict[str, Any] | None = None,
    streaming_parameters: dict[str, Any] | None = None,
    unary_output_type: Any = None,
    streaming_output_type: Any = None,
    visible: bool = True,
    metadata: dict[str, Any] | None = None,
    **kwargs: Any,
) -> Callable[[TaskClass], TaskClass]:
    """Declare the inputs and outputs of a task.

    Args:
        unary_parameters: types of the required parameters of methods that take single values
        streaming_parameters: the same, as `Iterable[T]`, of methods that take streams
        unary_output_type: data object class of a single result
        streaming_output_type: `Iterable[T]` of a streamed result
        visible: whether generated documentation shows the task
        metadata: free entries; the runtime reads `extra_openapi`
        **kwargs: `required_parameters` and `output_type` are older names, others are ignored
    """
    unary_parameters = unary_parameters or kwargs.get("required_parameters")
    output_type = kwargs.get("output_type")
    if output_type is not None:
        if typing.get_origin(output_type) is None:
            unary_output_type = unary_output_type or output_type
        else:
            streaming_output_type = streaming_output_type or output_type

    def decorate(cls: TaskClass) -> TaskClass:
        error.subclass_check("<COR19436440E>", cls, TaskBase)
        inherited = cls._interface
        interface = dataclasses.replace(
            inherited,
            unary_parameters=unary_parameters or inherited.unary_parameters,
            streaming_parameters=streaming_parameters or inherited.streaming_parameters,
            unary_output_type=unary_output_type or inherited.unary_output_type,
            streaming_output_type=streaming_output_type or inherited.streaming_output_type,
            visible=visible,
            metadata=metadata if metadata is not None else inherited.metadata,
        )
        _validate(interface, cls.__name__)
        cls._interface = interface
        return cls

    return decorate


def _validate(interface: _Interface, name: str) -> None:
    for parameters in (interface.unary_parameters, interface.streaming_parameters):
        error.type_check("<COR15906231E>", dict, params_dict=parameters)
        error.type_check_all("<COR21936281E>", str, params_dict_keys=list(parameters))
        for parameter, kind in parameters.items():
            _check_is_type(kind, f"{name}.{parameter}")
    error.value_check(
        "<COR53920672E>",
        interface.unary_parameters or interface.streaming_parameters,
        "At least one input type must be set on a task",
    )
    error.value_check(
        "<COR69387112E>",
        interface.unary_output_type is not None or interface.streaming_output_type is not None,
        "At least one output type must be set on a task",
    )
    for parameter, kind in interface.streaming_parameters.items():
        _check_iterable(kind, f"the streaming parameter {parameter} of {name}")
    output = interface.unary_output_type
    if output is not None:
        expected = f"the unary_output_type of {name} is {output}, expected a class with @dataobject"
        _check_subclass("<COR12766440E>", output, DataBase, expected)
    if interface.streaming_output_type is not None:
        _check_iterable(interface.streaming_output_type, f"the streaming_output_type of {name}")


def _check_is_type(hint: Any, place: str) -> None:
    """Text, which is a type in annotations, would fit no parameter of a method."""
    if isinstance(hint, str):
        message = f"expected a type for {place}, got the text {hint!r}: write it without quotes"
        error("<COR21936282E>", TypeError(message))


def _check_iterable(hint: Any, place: str) -> None:
    _check_subclass(
        "<COR79428339E>",
        typing.get_origin(hint),
        collections.abc.Iterable,
        f"{place} is {hint}, expected Iterable[T]",
    )


def _check_subclass(log_code: str, child: Any, parent: type, explanation: str) -> None:
    problem = None
    try:
        with error_handler.without_logging():
            error.subclass_check(log_code, child, parent)
    except TypeError as failed:
        problem = failed
    if problem is not None:
        error(log_code, TypeError(f"{problem}: {explanation}"))


def declarations_of(cls: type) -> list[tuple[str, TaskMethod]]:
    """Method names and what they declare; an overriding method keeps the declarations of its parents."""
    found: dict[tuple[str, type[TaskBase]], tuple[TaskMethod, ...]] = {}
    for owner in cls.__mro__:
        for name, member in vars(owner).items():
            declared: tuple[TaskMethod, ...] = getattr(member, DECLARATIONS_ATTRIBUTE, ())
            for solved in dict.fromkeys(declaration.task for declaration in declared):
                mine = tuple(declaration for declaration in declared if declaration.task is solved)
                found.setdefault((name, solved), mine)
    return [(name, declaration) for (name, _), declared in found.items() for declaration in declared]
