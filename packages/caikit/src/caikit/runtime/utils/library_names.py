"""The setting `runtime.library` as a list of importable names."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["clean_lib_names"]

_SPACED_OPERATOR = re.compile(r"\s*(\[|\]|,|;|@|[=<>!~]+)\s*")
_REQUIREMENT_TAIL = re.compile(r"[\[=<>!~;@,].*")


def clean_lib_names(libraries: str | Iterable[str] | None) -> list[str]:
    """Requirement texts without extras and version pins; `-` becomes `_`."""
    if isinstance(libraries, str):
        libraries = _SPACED_OPERATOR.sub(r"\1", libraries).split()
    names = (_REQUIREMENT_TAIL.sub("", word).strip().replace("-", "_") for word in libraries or ())
    return [name for name in dict.fromkeys(names) if name]
