"""The spans of requests."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import alog

from caikit._exception_text import safe_str
from caikit.runtime.engine import Kind, Observation, Operation, Status, shorten

from ._contexts import remember
from ._tracing import TRACING

log = alog.use_channel("TRACE")

Result = TypeVar("Result")

_TRACER = "caikit.runtime"
_HTTP = "http"
_LONGEST_TEXT = 200
_SERVICER = "caikit.runtime.servicers.global_predict_servicer.GlobalPredictServicer"
_SERVER_FAULTS = frozenset(
    {
        Status.UNKNOWN,
        Status.DEADLINE_EXCEEDED,
        Status.UNIMPLEMENTED,
        Status.INTERNAL,
        Status.UNAVAILABLE,
        Status.DATA_LOSS,
    }
)
# What is done in less is not worth a span.
_LEAST_NANOSECONDS = 1_000_000


class RequestTracing:
    """Listens to the engine of one server: a span for every request, with one for its work inside."""

    def __init__(self, protocol: str) -> None:
        self._protocol = protocol
        self.find_http_status: Callable[[Observation], int] | None = None
        """Tells the status of an answer over HTTP."""

    def started(self, observation: Observation) -> None:
        if TRACING.pipeline is None:
            return
        try:
            observation.context.span = RequestSpan(self._protocol, observation)
        except Exception as error:
            log.warning("<RUN41027818W>", "A request is not traced: %r", error)

    def finished(self, observation: Observation) -> None:
        span = observation.context.span
        if isinstance(span, RequestSpan):
            try:
                find = self.find_http_status
                span.finish(observation, None if find is None else find(observation))
            except Exception as error:
                log.warning("<RUN41027819W>", "The span of a request was not ended: %r", error)


class RequestSpan:
    """The spans of one request."""

    def __init__(self, protocol: str, observation: Observation) -> None:
        from opentelemetry import context as current
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._protocol = protocol
        self._context = observation.context
        self._operation = operation = observation.operation
        self._tracer = TRACING.tracer(_TRACER)
        parent = TraceContextTextMapPropagator().extract(dict(observation.context.headers))
        self._span = self._tracer.start_span(
            f"{operation.service}/{operation.name}",
            context=parent,
            kind=trace.SpanKind.SERVER,
            start_time=time.time_ns() - int(observation.queued * 1e9),
            attributes={
                "rpc.service": operation.service,
                "rpc.method": operation.name,
                "request_id": observation.context.request_id,
                **(_http_attributes(observation) if protocol == _HTTP else {"rpc.system": protocol}),
            },
        )
        self._around = trace.set_span_in_context(self._span, parent)
        self._work: Any = None
        self._thread = threading.get_ident()
        # What modules and the libraries below them trace is found by this.
        self._token = current.attach(self._around)

    @property
    def ids(self) -> tuple[str, str]:
        found = self._span.get_span_context()
        return f"{found.trace_id:032x}", f"{found.span_id:016x}"

    def decoded(self, seconds: float) -> None:
        from opentelemetry import context as current
        from opentelemetry import trace

        now = time.time_ns()
        started = now - int(seconds * 1e9)
        self._tracer.start_span("decode", context=self._around, start_time=started).end(now)
        around, name = self._around, _work_name(self._operation)
        if name is not None:
            self._work = self._tracer.start_span(
                name,
                context=around,
                attributes={
                    "calling": name,
                    "model_id": _text(self._context.model_id),
                    "request_name": self._operation.request.__name__,
                },
            )
            around = trace.set_span_in_context(self._work, around)
            current.attach(around)
        remember(self._context.native, around)

    def timed(self, name: str, function: Callable[[], Result]) -> Result:
        from opentelemetry import trace

        started = time.time_ns()
        try:
            return function()
        finally:
            ended = time.time_ns()
            if ended - started >= _LEAST_NANOSECONDS:
                around = trace.set_span_in_context(self._work or self._span, self._around)
                span = self._tracer.start_span(name, context=around, start_time=started)
                span.set_attribute("model_id", _text(self._context.model_id))
                span.end(ended)

    def finish(self, observation: Observation, http_status: int | None) -> None:
        from opentelemetry import context as current

        if self._work is not None:
            self._end_work(observation)
        span, status = self._span, observation.status
        if self._operation.kind in (Kind.INFERENCE, Kind.JOB):
            span.set_attribute("model_id", _text(self._context.model_id))
        span.set_attribute("status", status.name)
        if http_status is not None:
            span.set_attribute("http.response.status_code", http_status)
        if self._protocol != _HTTP:
            span.set_attribute("rpc.grpc.status_code", status.value)
        if status in _SERVER_FAULTS:
            span.set_attribute("error.type", status.name)
        for stage in ("queued", "decode", "work", "encode"):
            span.set_attribute(f"seconds.{stage}", getattr(observation, stage))
        if self._operation.shape.output_streaming:
            span.set_attribute("messages.sent", observation.sent)
        if observation.error is not None and self._work is None:
            _record(span, observation.error)
        if status in _SERVER_FAULTS:
            _fail(span, observation)
        span.end()
        # A stream that was forgotten is ended by another thread, whose context is another.
        if threading.get_ident() == self._thread:
            current.detach(self._token)

    def _end_work(self, observation: Observation) -> None:
        served = self._context.served
        if served is not None:
            self._work.set_attribute("task", served.task)
            self._work.set_attribute("inference_func_name", served.method)
        if observation.error is not None:
            _record(self._work, observation.error)
            _fail(self._work, observation)
        self._work.end()


def _http_attributes(observation: Observation) -> dict[str, str | int]:
    """What the conventions of OpenTelemetry say about a request over HTTP, as far as it is known before the answer."""
    found: dict[str, str | int] = {}
    route, headers = observation.operation.http, observation.context.headers
    if route is not None:
        found |= {"http.request.method": route.method, "http.route": route.path, "url.path": route.path}
    if "user-agent" in headers:
        found["user_agent.original"] = _text(headers["user-agent"])
    host, colon, port = headers.get("host", "").rpartition(":")
    if colon and port.isdecimal():
        found["server.port"] = int(port[:5])
    else:
        host = headers.get("host", "")
    if host:
        found["server.address"] = _text(host)
    return found


def _work_name(operation: Operation) -> str | None:
    match operation.kind:
        case Kind.INFERENCE:
            return f"{_SERVICER}.predict_model"
        case Kind.JOB if operation.name.endswith("StartPredictionJob"):
            return f"{_SERVICER}.run_prediction_job"
        case _:
            return None


def _record(span: Any, error: BaseException) -> None:
    with contextlib.suppress(Exception):  # its own text may fail
        span.record_exception(error)


def _fail(span: Any, observation: Observation) -> None:
    from opentelemetry.trace import StatusCode

    text = "" if observation.error is None else safe_str(observation.error)
    span.set_status(StatusCode.ERROR, f"{observation.status.name}: {_text(text)}")


def _text(text: str | None) -> str:
    return shorten(text or "", _LONGEST_TEXT)
