"""What the load generator is asked to do, and what it reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """A question as it is on the wire, and its answer."""

    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    answer: bytes


@dataclass(frozen=True, kw_only=True)
class Plan:
    protocol: str
    port: int
    calls: tuple[Call, ...]
    """Shared out among the connections; each repeats its own."""
    connections: int
    seconds: float
    changing: str = ""
    """Headers that differ from call to call: none; "literal", sent as text; "indexed", entered into the tables of HTTP/2."""
    idle: int = 0
    """More connections, which are silent after one call."""
    patience: float = 30.0
    """Seconds until a call without an answer ends the run."""


@dataclass(frozen=True)
class Report:
    answered: int
    seconds: float
    p50_ms: float
    p99_ms: float


class WrongAnswerError(Exception):
    """A server closed a connection, or answered something else than was expected."""


def changing_headers(number: int) -> list[tuple[str, str]]:
    """What a caller with traces, request ids and deadlines of its own adds to its call."""
    mixed = (number * 0x9E3779B97F4A7C15F39CC0605CEDC835) & (1 << 128) - 1
    return [
        ("traceparent", f"00-{mixed:032x}-{mixed >> 64:016x}-01"),
        ("x-request-id", f"{mixed:032x}"),
    ]
