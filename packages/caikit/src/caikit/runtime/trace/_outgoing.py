"""What tells another server to which trace a call belongs."""

from __future__ import annotations

from ._tracing import TRACING

_NONE: tuple[tuple[str, str], ...] = ()


def outgoing_pairs() -> tuple[tuple[str, str], ...]:
    """Headers or metadata for a call that is made now; nothing while tracing is off."""
    if TRACING.pipeline is None:
        return _NONE
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return tuple(carrier.items())
