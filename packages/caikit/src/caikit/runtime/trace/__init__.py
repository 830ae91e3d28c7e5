"""Spans for OpenTelemetry: of every request, and of what modules want to show.

With `runtime.trace.enabled` off, all of this does nothing, and OpenTelemetry is not imported. It comes with
`pip install 'caikit[runtime-trace]'`.
"""

from ._contexts import get_trace_context, set_tracer, start_child_span
from ._tracing import configure, get_tracer

__all__ = ["configure", "get_trace_context", "get_tracer", "set_tracer", "start_child_span"]
