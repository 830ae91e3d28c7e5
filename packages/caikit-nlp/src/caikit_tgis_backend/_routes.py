"""Where a request wants its model to be called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["ROUTE_INFO_HEADER_KEY", "route_of"]

ROUTE_INFO_HEADER_KEY = "x-route-info"


def route_of(context: Any) -> str | None:
    """The value of the header in the context of a request: a `grpc.ServicerContext` or a request of an HTTP server."""
    if context is None:
        return None
    read = getattr(context, "invocation_metadata", None)
    if callable(read):
        return _value(read() or ())
    headers = getattr(context, "headers", None)
    if headers is not None and hasattr(headers, "items"):
        return _value(headers.items())
    raise TypeError(f"expected the context of a gRPC or an HTTP request, got {type(context).__name__}")


def _value(headers: Iterable[tuple[str, str | bytes]]) -> str | None:
    for key, value in headers:
        if key.lower() == ROUTE_INFO_HEADER_KEY:
            return value.decode("utf-8") if isinstance(value, bytes) else value
    return None
