"""Which request a thread serves: noted by the runtime, read when a line is logged."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol


class LoggedRequest(Protocol):
    @property
    def request_id(self) -> str: ...

    @property
    def trace_ids(self) -> tuple[str, str] | None:
        """Of the trace and the span, if the request is traced."""


REQUEST: ContextVar[LoggedRequest | None] = ContextVar("caikit_request", default=None)
"""The request that is being served; its id is asked for when a line is written."""
