"""The former home of `caikit.core.exceptions`."""

from __future__ import annotations

import warnings

from ..exceptions import DataValidationError, error_handler

__all__ = ["DataValidationError", "error_handler"]

warnings.warn(
    "caikit.core.toolkit.errors has moved to caikit.core.exceptions", DeprecationWarning, stacklevel=2
)
