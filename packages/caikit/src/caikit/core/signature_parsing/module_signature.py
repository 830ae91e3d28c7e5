"""The signature of one method of a module."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ._annotations import Hints, resolve_annotations, signature_of
from .parsers import argument_types, get_args_with_defaults, output_type

__all__ = ["CaikitMethodSignature", "CustomSignature"]

SCOPE_ATTRIBUTE = "_caikit_definition_scope"


@dataclass(frozen=True)
class _Parsed:
    parameters: dict[str, Any] | None = None
    return_type: Any = None
    default_parameters: dict[str, Any] = field(default_factory=dict)
    method_signature: inspect.Signature | None = None
    unresolved: frozenset[str] = frozenset()


class CaikitMethodSignature:
    """Parameters, defaults and result type of a method; read once, when first asked for."""

    def __init__(self, module_class: type, method_name: str, context_arg: str | None = None) -> None:
        self._module_class = module_class
        self._method_name = method_name
        self._context_arg = context_arg
        self._cached: _Parsed | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> CaikitMethodSignature:
        # Recursive types such as JsonDict have no end for copy.deepcopy once their forward references are evaluated.
        return self

    @property
    def module(self) -> type:
        return self._module_class

    @property
    def method_name(self) -> str:
        return self._method_name

    @property
    def parameters(self) -> dict[str, Any] | None:
        """Types by parameter name; None if the class has no such method."""
        return self._parsed.parameters

    @property
    def return_type(self) -> Any:
        return self._parsed.return_type

    @property
    def default_parameters(self) -> dict[str, Any]:
        return self._parsed.default_parameters

    @property
    def method_signature(self) -> inspect.Signature | None:
        return self._parsed.method_signature

    @property
    def qualified_name(self) -> str:
        cls = self._module_class
        return f"{cls.__module__}.{cls.__qualname__}.{self._method_name}"

    @property
    def context_arg(self) -> str | None:
        """Name of the parameter that receives the context of a request."""
        return self._context_arg

    @property
    def unresolved(self) -> frozenset[str]:
        """Parameters (and `return`) whose annotations name something that does not exist yet."""
        return self._parsed.unresolved

    @property
    def _parsed(self) -> _Parsed:
        if self._cached is None or self._can_be_completed(self._cached):
            self._cached = _parse(self._module_class, self._method_name)
        return self._cached

    def _can_be_completed(self, parsed: _Parsed) -> bool:
        """Names in annotations may be defined only after the class was decorated."""
        return bool(parsed.unresolved) and parsed.unresolved != frozenset(
            _hints_of(self._module_class, self._method_name).unresolved
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.qualified_name})"


class CustomSignature(CaikitMethodSignature):
    """Another signature with its parameters and result type replaced."""

    def __init__(self, original: CaikitMethodSignature, parameters: dict[str, Any], return_type: Any) -> None:
        super().__init__(original.module, original.method_name, original.context_arg)
        self._cached = _Parsed(
            parameters, return_type, original.default_parameters, original.method_signature
        )


def _parse(module_class: type, method_name: str) -> _Parsed:
    method: Callable[..., Any] | None = getattr(module_class, method_name, None)
    if not callable(method) or not _has_signature(method):
        return _Parsed()
    hints = _hints_of(module_class, method_name)
    return _Parsed(
        parameters=argument_types(method, hints),
        return_type=output_type(module_class, method, hints),
        default_parameters=get_args_with_defaults(method),
        method_signature=signature_of(method),
        unresolved=frozenset(hints.unresolved),
    )


def _has_signature(method: Callable[..., Any]) -> bool:
    try:
        signature_of(method)
    except (TypeError, ValueError):  # some functions written in C
        return False
    return True


def _hints_of(module_class: type, method_name: str) -> Hints:
    return resolve_annotations(getattr(module_class, method_name), _visible_names(module_class))


def _visible_names(module_class: type) -> dict[str, Any]:
    names: dict[str, Any] = dict(getattr(module_class, SCOPE_ATTRIBUTE, {}))
    for cls in reversed(module_class.__mro__):
        names.update({name: value for name, value in vars(cls).items() if isinstance(value, type)})
    names[module_class.__name__] = module_class
    return names
