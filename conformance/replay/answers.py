"""What a record asks for, in one form for both protocols."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class HttpAnswer:
    """A JSON value in `body` is compared as a value, a text byte for byte; None means any body."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    zip_entries: dict[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class GrpcAnswer:
    """`responses` has one element for a unary answer, none for a failed one; details None means any text but none."""

    code: str
    details: str | None = ""
    responses: list[Any] = field(default_factory=list)
    initial_metadata: list[list[str]] = field(default_factory=list)
    trailing_metadata: list[list[str]] = field(default_factory=list)
