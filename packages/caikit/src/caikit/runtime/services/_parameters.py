"""The parameters of a module's method as fields of a request message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import alog

from caikit.core.data_model import DataObjectBase

from ._reports import warn_once
from ._types import field_annotation, holds_enum

if TYPE_CHECKING:
    from caikit.core.modules import ModuleBase
    from caikit.core.signature_parsing import CaikitMethodSignature

__all__ = ["NO_DEFAULT", "Parameter", "method_parameters"]

log = alog.use_channel("SERVICES")

NO_DEFAULT: Any = object()


@dataclass(frozen=True, slots=True)
class Parameter:
    """The annotation of a field, and the default that the method gives it."""

    annotation: Any
    default: Any = NO_DEFAULT

    @property
    def has_default(self) -> bool:
        return self.default is not NO_DEFAULT


def method_parameters(
    module: type[ModuleBase],
    signature: CaikitMethodSignature,
    convert: Callable[[str, Any], Parameter | None],
) -> dict[str, Parameter]:
    """The fields that carry the parameters of a method, in the order of its signature.

    `convert` answers first for each parameter; where it has no answer, the general rules apply. A default in its
    answer stands for any default of the method.
    """
    defaults: Mapping[str, Any] = signature.default_parameters or {}
    found: dict[str, Parameter] = {}
    for name, annotation in (signature.parameters or {}).items():
        if name == signature.context_arg:
            continue
        if _is_method_of_messages(name):
            warn_once(
                log,
                "<RUN52304313W>",
                f"{_place(module, signature, name)} is left out of the service: messages have a method of this name",
            )
            continue
        field = convert(name, annotation) or _general(name, annotation)
        if field is None:
            _report_left_out(module, signature, name, annotation, required=name not in defaults)
        elif name in defaults:
            found[name] = field if field.has_default else Parameter(field.annotation, defaults[name])
        else:
            found[name] = Parameter(field.annotation)
    return found


def _general(name: str, annotation: Any) -> Parameter | None:
    converted = field_annotation(annotation, name)
    return None if converted is None else Parameter(converted)


def _is_method_of_messages(name: str) -> bool:
    """A field of this name would hide what encoders and decoders call."""
    return callable(getattr(DataObjectBase, name, None))


def _place(module: type[ModuleBase], signature: CaikitMethodSignature, name: str) -> str:
    return f"parameter '{name}' of {module.__module__}.{module.__qualname__}.{signature.method_name}"


def _report_left_out(
    module: type[ModuleBase], signature: CaikitMethodSignature, name: str, annotation: Any, *, required: bool
) -> None:
    place = _place(module, signature, name)
    if required:
        warn_once(
            log,
            "<RUN52304311W>",
            f"{place} is left out of the service and has no default: its type {annotation} cannot travel",
        )
    elif holds_enum(annotation):
        warn_once(
            log,
            "<RUN52304314W>",
            f"{place} is left out of the service, so that all calls use its default: "
            "an enum travels in a field of a data object, not as a parameter",
        )
    else:
        log.debug(
            "<RUN52304312D>", f"{place} is left out of the service: its type {annotation} cannot travel"
        )
