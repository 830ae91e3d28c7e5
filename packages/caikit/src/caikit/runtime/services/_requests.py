"""Request messages as data object classes, one per full name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pool

from caikit.core.data_model import DataObjectBase
from caikit.core.data_model.dataobject import make_dataobject

from ._parameters import Parameter
from .lock_file import locked

__all__ = ["message_class"]

_classes: dict[str, tuple[dict[str, Parameter], type[DataObjectBase]]] = {}


def message_class(
    package: str, name: str, fields: Mapping[str, Parameter], doc: str = ""
) -> type[DataObjectBase]:
    """The class for these fields; the same class as before where nothing changed."""
    full_name = f"{package}.{name}"
    fields = locked(full_name, fields)
    known_fields, known_class = _classes.get(full_name, (None, None))
    if known_class is not None and _same(known_fields, fields) and _is_current(known_class):
        return known_class
    attributes: dict[str, Any] = {
        field: _class_default(parameter.default)
        for field, parameter in fields.items()
        if parameter.has_default
    }
    if doc:
        attributes["__doc__"] = doc
    made: type[DataObjectBase] = make_dataobject(
        name=name,
        annotations={field: parameter.annotation for field, parameter in fields.items()},
        attrs=attributes,
        package=package,
    )
    _classes[full_name] = (dict(fields), made)
    return made


def _same(known: Mapping[str, Parameter] | None, fields: Mapping[str, Parameter]) -> bool:
    if known is None or list(known) != list(fields):
        return False
    return all(
        known[name].annotation == field.annotation and _same_default(known[name].default, field.default)
        for name, field in fields.items()
    )


def _same_default(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and bool(one == other))


def _is_current(made: type[DataObjectBase]) -> bool:
    """Whether the class belongs to the pool that is the default pool now."""
    return made.get_proto_class().DESCRIPTOR.file.pool is descriptor_pool.Default()


def _class_default(value: Any) -> Any:
    if type(value).__hash__ is None:
        return dataclasses.field(default_factory=lambda: _copied(value))
    return value


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, list | dict | set | bytearray) else value
