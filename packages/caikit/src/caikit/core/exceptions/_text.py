"""Texts of exceptions whose own methods may fail."""

from __future__ import annotations

__all__ = ["safe_repr", "safe_str"]


def safe_repr(exception: object) -> str:
    """The `repr`, or the name of the class if that fails: a report of a failure must not fail itself."""
    try:
        return repr(exception)
    except Exception:
        return f"<{type(exception).__name__}>"


def safe_str(exception: object) -> str:
    """The `str`, or the name of the class if that fails."""
    try:
        return str(exception)
    except Exception:
        return type(exception).__name__
