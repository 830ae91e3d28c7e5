"""Spellings of names; the names of services and routes are made with these."""

from __future__ import annotations

import re

__all__ = ["camel_to_snake_case", "snake_to_upper_camel"]

_INNER_UPPER_CASE = re.compile(r"(?<!^)(?=[A-Z])")


def snake_to_upper_camel(string: str) -> str:
    """`foo_bar` -> `FooBar`; only first letters change, so `HTTP_server` -> `HTTPServer`."""
    return "".join(part[0].upper() + part[1:] for part in string.split("_") if part)


def camel_to_snake_case(string: str, kebab_case: bool = False) -> str:
    """`FooBar` -> `foo_bar`, or `foo-bar`; every capital starts a part, so `HTTPServer` -> `h_t_t_p_server`."""
    return _INNER_UPPER_CASE.sub("-" if kebab_case else "_", string).lower()
