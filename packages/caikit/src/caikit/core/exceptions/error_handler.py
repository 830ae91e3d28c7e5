"""Argument checks and raising with a log line, per log channel."""

from __future__ import annotations

from ._handler import ErrorHandler, get, without_logging

__all__ = ["ErrorHandler", "get", "without_logging"]
