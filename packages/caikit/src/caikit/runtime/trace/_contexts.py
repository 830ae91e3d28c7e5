"""The spans of requests, found by the context object that a module gets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from ._off import NO_SPAN
from ._tracing import TRACING

_MODULE_TRACER = "caikit.runtime.trace"

_traced: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
_tracers: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def remember(native: Any, trace_context: Any) -> None:
    """Note the OpenTelemetry context of a request by its context object."""
    with contextlib.suppress(TypeError):
        _traced[native] = trace_context


def set_tracer(context: Any, tracer: Any) -> None:
    """Use this tracer for the child spans of a request, which is given by the context that the module got."""
    if TRACING.pipeline is not None:
        with contextlib.suppress(TypeError):
            _tracers[context] = tracer


def get_trace_context(context: Any) -> Any:
    """The OpenTelemetry context of a request: the parent for further spans. None while tracing is off.

    It is found in every thread. For an object that stands for no request it is read from its headers or metadata.
    """
    if TRACING.pipeline is None:
        return None
    from opentelemetry import trace
    from opentelemetry.context import get_current
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    request = _look_up(_traced, context)
    if request is None:
        carrier = _headers(context)
        return TraceContextTextMapPropagator().extract(carrier) if carrier else get_current()
    inner = trace.get_current_span().get_span_context()
    outer = trace.get_current_span(request).get_span_context()
    return get_current() if inner.trace_id == outer.trace_id else request


@contextlib.contextmanager
def start_child_span(context: Any, name: str) -> Iterator[Any]:
    """A span within that of a request, which is given by the context that the module got; ends with the block."""
    if TRACING.pipeline is None:
        yield NO_SPAN
        return
    tracer = _look_up(_tracers, context) or TRACING.tracer(_MODULE_TRACER)
    with tracer.start_as_current_span(name, context=get_trace_context(context)) as span:
        yield span


def _look_up(known: WeakKeyDictionary[Any, Any], context: Any) -> Any:
    try:
        return known.get(context)
    except TypeError:
        return None


def _headers(context: Any) -> Mapping[str, str]:
    if hasattr(context, "invocation_metadata"):
        return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    headers = getattr(context, "headers", None)
    return dict(headers) if isinstance(headers, Mapping) else {}
