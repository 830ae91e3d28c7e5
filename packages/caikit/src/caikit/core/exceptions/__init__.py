"""Exceptions of the core and the handler that raises and logs them."""

from __future__ import annotations

from . import error_handler
from .validation_error import DataValidationError

__all__ = ["DataValidationError", "error_handler"]
