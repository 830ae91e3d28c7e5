"""What the author of a library should know about it, each told once; services are built several times."""

from __future__ import annotations

import logging

__all__ = ["warn_once"]

_told: set[str] = set()


def warn_once(log: logging.Logger, code: str, message: str) -> None:
    """Log a warning that this process did not log before."""
    if message not in _told:
        _told.add(message)
        log.warning(code, message)
