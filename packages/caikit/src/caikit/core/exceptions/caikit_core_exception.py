"""Errors of the core that carry a status."""

from __future__ import annotations

import enum
import uuid

__all__ = ["CaikitCoreException", "CaikitCoreStatusCode"]


class CaikitCoreStatusCode(enum.Enum):
    """What kind of failure it is; the runtime maps each to its protocols."""

    NOT_FOUND = 1
    INVALID_ARGUMENT = 2
    CONNECTION_ERROR = 3
    UNAUTHORIZED = 4
    FORBIDDEN = 5
    UNKNOWN = 6
    FATAL = 7


class CaikitCoreException(Exception):  # noqa: N818 - a documented name
    """A failure with a status, a message and an id that is the same in all logs."""

    def __init__(self, status_code: CaikitCoreStatusCode, message: str) -> None:
        super().__init__(status_code, message)
        self.status_code = status_code
        self.message = message
        self.id = uuid.uuid4().hex

    def __str__(self) -> str:
        return str(self.message)
