"""Defaults that no message can hold."""

from __future__ import annotations

from typing import Any

import alog

from ._explain import PROBLEMS
from ._proto_values import enum_number, integer
from ._schema import MISSING, EnumType, MessageSchema, Scalar
from ._validation import check_value

log = alog.use_channel("DATAOBJ")


def warn_of_defaults(schema: MessageSchema, owner: str, proto_class: Any) -> None:
    """An object that keeps such a default can be made, but not sent."""
    for field in schema.fields:
        value = field.default
        if value is MISSING or value is None or not isinstance(field.type, Scalar | EnumType):
            continue
        place = f"{owner}.{field.name}"
        try:
            proto_class(**{field.name: integer(enum_number(value))})
        except PROBLEMS as problem:
            log.warning("<COR38817204W>", "The default of %s", _explained(place, field.type, value, problem))


def _explained(place: str, node: Scalar | EnumType, value: Any, problem: Exception) -> str:
    try:
        check_value(place, node, value)
    except PROBLEMS as found:
        return f"{found}"
    return f"{place}: {problem}"
