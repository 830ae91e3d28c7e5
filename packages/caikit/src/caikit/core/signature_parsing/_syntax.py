"""Python source as syntax trees."""

from __future__ import annotations

import ast
import threading

# In Python 3.11 threads that parse at the same time disturb each other: "SystemError: AST constructor recursion depth mismatch".
_LOCK = threading.Lock()


def parse_module(source: str) -> ast.Module:
    with _LOCK:
        return ast.parse(source)


def parse_expression(text: str) -> ast.expr:
    with _LOCK:
        return ast.parse(text, mode="eval").body
