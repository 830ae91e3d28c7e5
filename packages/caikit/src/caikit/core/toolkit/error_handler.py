"""The former home of `caikit.core.exceptions.error_handler`."""

from __future__ import annotations

import warnings

from ..exceptions.error_handler import ErrorHandler, get

__all__ = ["ErrorHandler", "get"]

warnings.warn(
    "caikit.core.toolkit.error_handler has moved to caikit.core.exceptions.error_handler",
    DeprecationWarning,
    stacklevel=2,
)
