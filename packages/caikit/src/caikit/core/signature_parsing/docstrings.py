"""Types of parameters and results as docstrings state them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ._lookup import find_type
from ._unions import union_of

if TYPE_CHECKING:
    from docstring_parser import Docstring
    from docstring_parser.common import DocstringParam

__all__ = ["get_arg_type", "get_return_type", "is_optional", "parse_docstring"]

# A word ends at blanks that are not inside brackets, so that `Dict[str, int]` is one word.
_WORD = re.compile(r"(?:[^\s\[\(]|\[[^\]]*\]*|\([^)]*\))+")
_CONNECTIVES = ("or", "|")


def parse_docstring(text: str | None) -> Docstring | None:
    """The parsed docstring, or None if there is none or it follows no known style."""
    import docstring_parser

    if not text:
        return None
    try:
        return docstring_parser.parse(text)
    except docstring_parser.ParseError:
        return None


def get_return_type(docstring: Docstring | None) -> Any:
    """The type under `Returns:` or `Yields:`, or None."""
    returns = docstring.returns if docstring else None
    return _stated_type(returns.type_name, returns.description) if returns else None


def get_arg_type(docstring: Docstring | None, arg_name: str) -> Any:
    """The type that the docstring gives a parameter, or None."""
    parameter = _parameter(docstring, arg_name)
    return _stated_type(parameter.type_name, parameter.description) if parameter else None


def is_optional(docstring: Docstring | None, arg_name: str) -> bool:
    """Whether a line of the parameter's description begins with `optional` or `an optional`."""
    parameter = _parameter(docstring, arg_name)
    lines = (parameter.description or "").splitlines() if parameter else []
    return any(line.strip().lower().startswith(("optional", "an optional")) for line in lines)


def _parameter(docstring: Docstring | None, arg_name: str) -> DocstringParam | None:
    parameters = docstring.params if docstring else []
    return next((parameter for parameter in parameters if parameter.arg_name == arg_name), None)


def _stated_type(type_name: str | None, description: str | None) -> Any:
    official = find_type(type_name) if type_name else None
    return official if official is not None else _type_in_words(description or "")


def _type_in_words(description: str) -> Any:
    first_line = description.strip().partition("\n")[0]
    words = (word.strip(".,:;`") for word in _WORD.findall(first_line))
    found = [find_type(word) for word in words if word not in _CONNECTIVES]
    hits = list(dict.fromkeys(hit for hit in found if hit is not None))
    return union_of(hits) if hits else None
