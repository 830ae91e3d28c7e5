"""Which request a thread serves: noted by the runtime, read when a line is logged."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol


class HasRequestId(Protocol):
    @property
    def request_id(self) -> str: ...


REQUEST: ContextVar[HasRequestId | None] = ContextVar("caikit_request", default=None)
"""The request that is being served; its id is asked for when a line is written."""
