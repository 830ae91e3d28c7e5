"""Libraries that only some models need."""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = ["require"]


def require(library: str, extra: str, purpose: str) -> ModuleType:
    """The imported library; if it is missing, an ImportError that names the extra to install."""
    try:
        return importlib.import_module(library)
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] != library.partition(".")[0]:
            raise
        raise ImportError(
            f"{purpose} need the package {library}, which is not installed: pip install 'caikit-nlp[{extra}]'",
            name=library,
        ) from missing
