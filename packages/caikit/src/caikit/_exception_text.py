"""Texts of exceptions whose own methods may fail."""

from __future__ import annotations

__all__ = ["safe_repr", "safe_str", "text_of"]


def safe_repr(exception: object) -> str:
    """The `repr`, or the name of the class if that fails: a report of a failure must not fail itself."""
    try:
        return repr(exception)
    except BaseException:
        return f"<{type(exception).__name__}>"


def safe_str(exception: object) -> str:
    """The `str`, or the name of the class if that fails."""
    try:
        return str(exception)
    except BaseException:
        return type(exception).__name__


def text_of(exception: BaseException) -> str:
    """The `str`, or what was raised if that is empty or fails."""
    try:
        text = str(exception)
    except BaseException:
        text = ""
    return text or f"{type(exception).__name__} was raised"
