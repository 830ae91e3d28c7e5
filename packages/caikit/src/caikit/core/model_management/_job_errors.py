"""Errors of jobs as text that can be stored, and back."""

from __future__ import annotations

import builtins
import json
from collections.abc import Sequence
from typing import Any

from caikit._exception_text import safe_str

from ..exceptions.caikit_core_exception import CaikitCoreException, CaikitCoreStatusCode


def errors_to_text(errors: Sequence[BaseException] | None) -> str | None:
    """JSON with type and text of each error."""
    if not errors:
        return None
    return json.dumps([_described(each) for each in errors])


def errors_from_text(text: str | None) -> list[Exception] | None:
    """Errors with the same text; of the same type where that is a builtin type or a CaikitCoreException."""
    return None if text is None else [_rebuilt(each) for each in json.loads(text)]


def _described(error: BaseException) -> dict[str, str]:
    described = {"type": type(error).__name__, "text": getattr(error, "message", None) or safe_str(error)}
    if isinstance(error, CaikitCoreException):
        described["code"] = error.status_code.name
    # A lone surrogate cannot be stored as UTF-8.
    return {name: safe_str(each).encode(errors="replace").decode() for name, each in described.items()}


def _rebuilt(described: dict[str, str]) -> Exception:
    text = described["text"]
    if described.get("code") in CaikitCoreStatusCode.__members__:
        return CaikitCoreException(CaikitCoreStatusCode[described["code"]], text)
    candidate: Any = getattr(builtins, described["type"], None)
    if isinstance(candidate, type) and issubclass(candidate, Exception):
        try:
            error = candidate(text)
        except Exception:  # a type that wants other arguments
            return RuntimeError(text)
        if str(error) == text:
            return error
    return RuntimeError(text)
