"""Types found by the names that people write in docstrings and annotations."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import typing
from typing import Any

from caikit.core import data_model
from caikit.core.data_model.base import DataBase
from caikit.core.exceptions import error_handler

from ._syntax import parse_expression
from ._unions import NoneType, union_of

_PLAIN_TYPES: dict[str, Any] = {
    plain.__name__: plain for plain in (str, int, float, bool, bytes, list, dict, tuple)
}
GENERICS: dict[str, Any] = {
    "Dict": typing.Dict,  # noqa: UP006 - results equal what `typing` annotations give
    "Iterable": typing.Iterable,
    "Iterator": typing.Iterator,
    "List": typing.List,  # noqa: UP006
    "Sequence": typing.Sequence,
    "Tuple": typing.Tuple,  # noqa: UP006
    "dict": typing.Dict,  # noqa: UP006
    "list": typing.List,  # noqa: UP006
    "tuple": typing.Tuple,  # noqa: UP006
}


def find_data_object(name: str) -> type | None:
    """The data object with this full name, or with this short name if only one has it."""
    with error_handler.without_logging():
        try:
            found: type = DataBase.get_class_for_name(name)
        except ValueError:
            return None
    return found


def find_type(text: str) -> Any:
    """The type that an expression such as `Optional[int]`, `a.b.Thing` or `int or str` stands for, or None."""
    try:
        expression = parse_expression(re.sub(r"\bor\b", "|", text.strip()))
    except (SyntaxError, ValueError):
        return None
    return _build(expression)


def _build(expression: ast.expr) -> Any:
    match expression:
        case ast.Constant(value=None):
            return NoneType
        case ast.Constant(value=str(text)):
            return find_type(text)
        case ast.Name() | ast.Attribute():
            return _named(ast.unparse(expression))
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union([left, right])
        case ast.Subscript(value=generic, slice=ast.Tuple(elts=items)):
            return _generic(ast.unparse(generic), items)
        case ast.Subscript(value=generic, slice=item):
            return _generic(ast.unparse(generic), [item])
        case ast.Call(func=ast.Name(id="List" | "list"), args=[item], keywords=[]):
            return _generic("List", [item])
        case _:
            return None


def _union(members: list[ast.expr]) -> Any:
    built = [_build(member) for member in members]
    return None if None in built else union_of(built)


def _generic(name: str, items: list[ast.expr]) -> Any:
    short_name = name.removeprefix("typing.")
    if short_name == "Union":
        return _union(items)
    if short_name == "Optional":
        return _union([*items, ast.Constant(value=None)])
    generic: Any = GENERICS.get(short_name) or _named(name)
    built = tuple(_build(item) for item in items)
    if generic is None or None in built:
        return None
    try:
        return generic[built]
    except TypeError:
        return None


def _named(name: str) -> type | None:
    if name in _PLAIN_TYPES:
        found = _PLAIN_TYPES[name]
    elif "." in name:
        module_name, _, attribute = name.rpartition(".")
        found = getattr(sys.modules.get(module_name), attribute, None) or find_data_object(name)
    else:
        found = getattr(data_model, name, None) or find_data_object(name)
    return found if inspect.isclass(found) else None
