"""What a function takes and gives back, from its annotations, defaults and docstring."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import alog

from caikit.core.data_model.producer import ProducerId
from caikit.core.toolkit.name_tools import snake_to_upper_camel

from ._annotations import Hints, plain_function, resolve_annotations, signature_of
from ._lookup import GENERICS, find_data_object
from ._unions import optional
from .docstrings import get_arg_type, get_return_type, is_optional, parse_docstring

if TYPE_CHECKING:
    from docstring_parser import Docstring

__all__ = ["get_args_with_defaults", "get_argument_types", "get_output_type_name"]

log = alog.use_channel("SIG-PARSING")

_SKIPPED_PARAMETERS = frozenset({"self", "args", "kwargs", "_", "__"})
_COLLECTING = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_WELL_KNOWN_PARAMETERS: dict[str, Any] = {"producer_id": ProducerId}


def get_argument_types(function: Callable[..., Any]) -> dict[str, Any]:
    """Parameter names and their types; None where nothing tells the type."""
    return argument_types(function, resolve_annotations(function, {}))


def get_output_type_name(module_class: type, fn_signature: inspect.Signature, fn: Callable[..., Any]) -> Any:
    """The type of the result, or None."""
    return output_type(module_class, fn, resolve_annotations(fn, {module_class.__name__: module_class}))


def get_args_with_defaults(function: Callable[..., Any]) -> dict[str, Any]:
    """Default values by parameter name."""
    return {
        parameter.name: parameter.default
        for parameter in _parameters(function)
        if parameter.default is not inspect.Parameter.empty
    }


def argument_types(function: Callable[..., Any], hints: Hints) -> dict[str, Any]:
    docstring = _docstring_of(function)
    return {
        parameter.name: _argument_type(parameter, hints, docstring) for parameter in _parameters(function)
    }


def output_type(module_class: type, function: Callable[..., Any], hints: Hints) -> Any:
    if _is_inherited_from_base(module_class, function):
        return None
    if "return" in hints.types:
        return hints.types["return"]
    documented = get_return_type(_docstring_of(function))
    if documented is None:
        log.warning(
            "<COR12963414W>",
            "No return type found for %s.%s",
            module_class.__qualname__,
            getattr(function, "__name__", function),
        )
    return documented


def _docstring_of(function: Callable[..., Any]) -> Docstring | None:
    is_preset = isinstance(function, functools.partial)  # has the docstring of `partial`
    return parse_docstring(inspect.getdoc(plain_function(function) if is_preset else function))


def _is_inherited_from_base(module_class: type, function: Callable[..., Any]) -> bool:
    name = getattr(function, "__name__", "")
    owner = next((cls for cls in module_class.__mro__ if name in vars(cls)), None)
    return owner is not None and owner.__module__.startswith("caikit.core.modules")


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    every: Mapping[str, inspect.Parameter] = signature_of(function).parameters
    return [
        parameter
        for parameter in every.values()
        if parameter.name not in _SKIPPED_PARAMETERS and parameter.kind not in _COLLECTING
    ]


def _argument_type(parameter: inspect.Parameter, hints: Hints, docstring: Docstring | None) -> Any:
    name = parameter.name
    if name in _WELL_KNOWN_PARAMETERS:
        return _WELL_KNOWN_PARAMETERS[name]
    marked_optional = is_optional(docstring, name)
    if name in hints.types:
        return optional(hints.types[name]) if marked_optional else hints.types[name]
    from_default = _type_of_default(name, parameter.default)
    if from_default is not None:
        return from_default
    found = get_arg_type(docstring, name) or find_data_object(snake_to_upper_camel(name))
    if found is not None:
        return optional(found) if marked_optional else found
    return hints.unresolved.get(name)


def _type_of_default(name: str, default: Any) -> Any:
    if default is None or default is inspect.Parameter.empty:
        return None
    if not isinstance(default, list | tuple):
        return type(default)
    if not default:
        return None
    element_types = list(dict.fromkeys(type(element) for element in default))
    if len(element_types) > 1:
        log.warning("<COR94557837W>", "Mixed types in the default of parameter %s", name)
    return GENERICS["List"][element_types[0]]
