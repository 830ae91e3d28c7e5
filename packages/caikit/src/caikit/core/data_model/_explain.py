"""Which value is the reason that an object cannot become a message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from ._codecs import Codecs, codecs_of, overrides
from ._schema import Field, MapOf, MessageType, Repeated, UnionOf
from ._validation import check_field

PROBLEMS = (AttributeError, TypeError, ValueError)
"""What wrong values cause; told again with the place in front."""


def complain(instance: Any, problem: Exception) -> NoReturn:
    """Raise the problem again, with the field and what was expected in front."""
    sentence = None
    if type(problem) in PROBLEMS:
        cls = type(instance)
        try:
            sentence = _find(codecs_of(cls), instance, cls.__name__)
        except Exception:  # whatever is wrong with the object: the problem is why
            sentence = None
    if sentence is None:
        raise problem
    raise type(problem)(sentence) from problem


def _find(codecs: Codecs, instance: Any, owner: str) -> str | None:
    """What is wrong with the first field that cannot be written alone."""
    if overrides(codecs.cls, "fill_proto"):
        return None
    for field in codecs.schema.fields:
        alone = _with_one_field(codecs, instance, field)
        try:
            codecs.fill_proto(alone, codecs.cls.get_proto_class()())
        except PROBLEMS as cause:
            place = f"{owner}.{field.name}"
            return _checked(codecs, alone, field, place, cause) or _named(place, cause)
    return None


def _with_one_field(codecs: Codecs, instance: Any, kept: Field) -> Any:
    alone: Any = object.__new__(codecs.cls)
    for field in codecs.schema.fields:
        setattr(alone, field.name, getattr(instance, field.name) if field is kept else None)
    which = getattr(instance, "_which", None)
    if which and kept.name in which:
        alone._which = {kept.name: which[kept.name]}
    return alone


def _checked(codecs: Codecs, alone: Any, field: Field, place: str, cause: Exception) -> str | None:
    value = getattr(alone, field.name)
    if isinstance(value, (str, bytes, list, tuple, dict)) or not isinstance(value, Iterable):
        try:
            check_field(codecs, alone, field, value, place)
        except PROBLEMS as misfit:
            return f"{misfit} ({cause})" if str(misfit) != str(cause) else str(misfit)
    node: Any = field.type
    if isinstance(node, UnionOf):
        active = codecs.which(alone, field.name)
        node = next(member.type for member in node.members if member.name == active)
    match node:
        case MessageType(cls):
            return _find(codecs_of(cls), value, place)
        case Repeated(MessageType(cls)) if isinstance(value, (list, tuple)):
            places = ((f"{place}[{position}]", element) for position, element in enumerate(value))
        case MapOf(_, MessageType(cls)):
            places = ((f"{place}[{key!r}]", element) for key, element in value.items())
        case _:
            return None
    found = (_find(codecs_of(cls), element, there) for there, element in places)
    return next(filter(None, found), None)


def _named(place: str, cause: Exception) -> str:
    text = str(cause)
    return text if place in text else f"{place}: {text}"
