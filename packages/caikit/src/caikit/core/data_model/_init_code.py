"""Generated constructors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._schema import MISSING, Field, UnionOf
from ._source import Source


class _Factory:
    """Stands in the signature for a default that is made for every instance."""

    def __repr__(self) -> str:
        return "<factory>"


_UNSET = _Factory()


def make_init(cls: type[Any], fields: tuple[Field, ...]) -> Callable[..., None]:
    """`__init__` with every field in order, all of them optional; union members are keywords."""
    own = cls.__dataclass_fields__
    source = Source()
    me = "self" if all(field.name != "self" for field in fields) else "_self"
    positional, keyword_only, body = [], [], []
    for field in fields:
        declared = own[field.name]
        value = field.name
        if not declared.init:
            value = default_text(source, field)
        elif declared.kw_only is True:
            keyword_only.append(_parameter(source, field))
        else:
            positional.append(_parameter(source, field))
        if field.default_factory is not None and declared.init:
            factory = source.use(field.default_factory, f"factory_{field.name}")
            value = f"{factory}() if {value} is {source.use(_UNSET, 'UNSET')} else {value}"
        if isinstance(field.type, UnionOf):
            body.extend(_union_lines(source, field, field.type, me, value))
            keyword_only.extend(f"{member.name}=None" for member in field.type.members)
        else:
            body.append(f"{me}.{field.name} = {value}")
    if any(isinstance(field.type, UnionOf) for field in fields):
        body.insert(0, f"{me}._which = None")
    if hasattr(cls, "__post_init__"):
        body.append(f"{me}.__post_init__()")
    keywords = ["*", *keyword_only] if keyword_only else []
    source.block(f"def __init__({', '.join([me, *positional, *keywords])}):", *(body or ["pass"]))
    made = source.function("__init__", f"{cls.__qualname__}.__init__")
    made.__annotations__ = {
        **{name: field.type for name, field in own.items() if field.init},
        "return": None,
    }
    made.__module__ = cls.__module__
    return made


def start_arguments(source: Source, cls: type[Any]) -> None:
    """Statements before those that collect the arguments of a constructor."""
    source.line("arguments = {}")
    if _later(cls):
        source.line("later = {}")


def arguments_with(cls: type[Any], name: str) -> str:
    """The dictionary for the value of a field: the constructor's arguments, or what is set afterwards."""
    return "later" if name in _later(cls) else "arguments"


def call_constructor(source: Source, cls: type[Any], text: str) -> None:
    """Statements that return the instance made of the collected arguments."""
    if not _later(cls):
        source.line(f"return {text}(**arguments)")
        return
    source.line(f"self = {text}(**arguments)")
    source.block("for name, value in later.items():", "setattr(self, name, value)")
    source.line("return self")


def _later(cls: type[Any]) -> set[str]:
    """Fields that a generated constructor does not take."""
    if not getattr(cls.__init__, "_is_generated", False):
        return set()
    return {name for name, field in cls.__dataclass_fields__.items() if not field.init}


def _parameter(source: Source, field: Field) -> str:
    if field.default_factory is not None:
        return f"{field.name}={source.use(_UNSET, 'UNSET')}"
    return f"{field.name}={default_text(source, field)}"


def default_text(source: Source, field: Field) -> str:
    """An expression for the value that the constructor gives to a field that is left out."""
    if field.default_factory is not None:
        return f"{source.use(field.default_factory, f'factory_{field.name}')}()"
    if field.default is MISSING or field.default is None:
        return "None"
    return source.use(field.default, f"default_{field.name}")


def _union_lines(source: Source, field: Field, union: UnionOf, me: str, value: str) -> list[str]:
    choose = source.use(choose_member, "choose_member")
    given = source.use(field.default, f"default_{field.name}") if field.default is not MISSING else "None"
    names = [member.name for member in union.members]
    any_given = " or ".join(f"{name} is not None" for name in names)
    members = ", ".join(f"({name!r}, {name})" for name in names)
    unset = (
        f"{field.name} is {source.use(_UNSET, 'UNSET')}"
        if field.default_factory
        else f"{field.name} is {given}"
    )
    return [
        f"{me}._oneof_{field.name} = {value}",
        f"if {any_given}:",
        f"    {choose}({me}, {field.name!r}, {unset}, ({members},))",
    ]


def choose_member(
    instance: Any, union: str, value_is_default: bool, members: tuple[tuple[str, Any], ...]
) -> None:
    """Make the one member that was given by keyword the active one."""
    given = [(name, value) for name, value in members if value is not None]
    if not value_is_default:
        raise TypeError(f"Received conflicting oneof args/kwargs for {union}/{given[0][0]}")
    if len(given) > 1:
        raise TypeError(f"Received multiple keyword arguments for oneof {union}")
    set_member(instance, union, *given[0])


def set_member(instance: Any, union: str, member: str, value: Any) -> None:
    """Store a value together with the member that it was given for."""
    setattr(instance, f"_oneof_{union}", value)
    which = {**(getattr(instance, "_which", None) or {})}
    if value is None:
        which.pop(union, None)
    else:
        which[union] = member
    instance._which = which


def comparison_key(instance: Any) -> tuple[Any, ...]:
    """What `==` compares."""
    return tuple([getattr(instance, name) for name in type(instance).__dataclass_fields__])


def equal(left: Any, right: Any) -> bool:
    """Equality of two instances of one class; arrays are equal when all their elements are."""
    try:
        return comparison_key(left) == comparison_key(right)
    except ValueError:
        import numpy as np

        pairs = zip(comparison_key(left), comparison_key(right), strict=True)
        return all(np.shape(a) == np.shape(b) and bool(np.all(a == b)) for a, b in pairs)
