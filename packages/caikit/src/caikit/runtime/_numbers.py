"""The numbers in the configuration of the servers, and what each of them may be."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["number", "whole"]


@dataclass(frozen=True, slots=True)
class _Range:
    low: float = 0
    high: float = math.inf
    null: str = ""
    """What null stands for, where that is worth a word."""

    def __str__(self) -> str:
        if self == _ANY:
            return ""
        bounds = (
            f" of at least {self.low}" if self.high == math.inf else f" from {self.low} to {self.high:.0f}"
        )
        return f"{bounds}, or null for {self.null}," if self.null else bounds


_ANY = _Range(-math.inf)
_PORT = _Range(0, 65535)
_COUNT = _Range()
_LIMIT = _Range(null="no limit")
# Nobody can wait any longer than that.
_SECONDS = _Range(0, threading.TIMEOUT_MAX)
_SECONDS_LIMIT = _Range(0, threading.TIMEOUT_MAX, "no limit")

_RANGES: Mapping[str, _Range] = {
    "runtime.grpc.maximum_concurrent_rpcs": _Range(1, null="no limit"),
    "runtime.grpc.port": _PORT,
    "runtime.grpc.server_shutdown_grace_period_seconds": _SECONDS,
    "runtime.grpc.server_thread_pool_size": _Range(1, null="runtime.server_thread_pool_size"),
    "runtime.http.max_body_size": _COUNT,
    "runtime.http.min_body_rate": _LIMIT,
    "runtime.http.port": _PORT,
    "runtime.http.server_shutdown_grace_period_seconds": _SECONDS,
    "runtime.lazy_load_poll_period_seconds": _SECONDS,
    "runtime.lazy_load_retries": _COUNT,
    "runtime.load_threads": _Range(1, null="as many as are needed"),
    "runtime.max_held_request_bytes": _LIMIT,
    "runtime.max_queue_seconds": _SECONDS_LIMIT,
    "runtime.max_queued_requests": _LIMIT,
    "runtime.metering.log_interval": _SECONDS,
    "runtime.metrics.port": _PORT,
    "runtime.port": _PORT,
    "runtime.request_read_seconds": _SECONDS_LIMIT,
    "runtime.server_thread_pool_size": _Range(1),
    "runtime.stream_stall_seconds": _SECONDS_LIMIT,
}


def number(key: str, value: Any) -> float:
    """The value of a key as a number; ValueError if the key cannot have it."""
    try:
        if isinstance(value, bool):
            raise TypeError
        found = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"expected a number as {key}, got {value!r}") from None
    _check("number", key, value, found)
    return found


def whole(key: str, value: Any) -> int:
    """The value of a key as a whole number; ValueError if the key cannot have it."""
    try:
        if isinstance(value, bool):
            raise TypeError
        found = int(value)
        if isinstance(value, float) and found != value:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"expected a whole number as {key}, got {value!r}") from None
    _check("whole number", key, value, found)
    return found


def _check(kind: str, key: str, value: Any, found: float) -> None:
    allowed = _RANGES.get(key, _ANY)
    if not allowed.low <= found <= allowed.high:
        raise ValueError(f"expected a {kind}{allowed} as {key}, got {value!r}")
