"""Sees every request begin and end: the only place that logs failures and tells those who count."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import alog

from caikit._exception_text import text_of
from caikit._logged_request import REQUEST

from .context import RequestContext
from .errors import Failure, Origin, shorten
from .operation import Operation
from .status import Status
from .workers import JOB

log = alog.use_channel("GP-SERVICR-I")

_LONGEST_MESSAGE = 1000
# Members of enums are slow to look up.
_OK = Status.OK
LONGEST_MODEL_ID = 200
_LOG_CODES = {
    Origin.STATUS: "<RUN50530380W>",
    Origin.INPUT: "<RUN490439039W>",
    Origin.UNEXPECTED: "<RUN49049070W>",
}


class Listener(Protocol):
    """Who wants to know about requests; called in the thread that serves the request, and must not fail or wait."""

    def started(self, observation: Observation) -> None:
        """Who wants to know the end only, leaves this as it is."""
        return

    def finished(self, observation: Observation) -> None:
        """A stream is finished when its last item was taken, or nobody takes any more."""


Tellers = tuple[Callable[["Observation"], object], ...]


class Observation:
    """One observed request: how long its stages took, in seconds, and how it ended."""

    __slots__ = (
        "_mark",
        "_observer",
        "context",
        "decode",
        "encode",
        "error",
        "first_item",
        "operation",
        "queued",
        "received",
        "seconds",
        "sent",
        "started_at",
        "status",
        "work",
    )

    def __init__(self, operation: Operation, context: RequestContext, observer: Observer) -> None:
        self.operation = operation
        self.context = context
        self._observer = observer
        self.decode = self.work = self.encode = self.seconds = 0.0
        self.first_item: float | None = None
        """Until the first item of a stream was ready."""
        self.received = self.sent = 0
        """Messages."""
        self.status = _OK
        self.error: BaseException | None = None
        since = JOB.since
        self.started_at = self._mark = now = time.monotonic()
        self.queued = 0.0 if since is None else now - since
        """How long the request waited for its worker."""
        REQUEST.set(context)
        for tell in observer.tell_started:
            tell(self)

    def lap(self) -> float:
        """Seconds since the last lap."""
        now = time.monotonic()
        elapsed = now - self._mark
        self._mark = now
        return elapsed

    def decoded(self) -> None:
        self._mark = now = time.monotonic()
        self.decode = now - self.started_at
        if self.context.span is not None:
            self.context.span.decoded(self.decode)

    def encoded_item(self) -> None:
        """Another item of a stream is ready."""
        now = time.monotonic()
        self.encode += now - self._mark
        self._mark = now
        self.sent += 1
        if self.first_item is None:
            self.first_item = now - self.started_at

    def answered(self) -> None:
        """The only answer is ready."""
        now = time.monotonic()
        self.encode = now - self._mark
        self._mark = now
        self.first_item = now - self.started_at
        self.sent = 1
        self.ended()

    def failed(self, failure: Failure, error: BaseException) -> None:
        self.status = failure.status
        self.error = error
        _log_failure(self.operation, self.context, failure, error)
        self.lap()
        self.ended()

    def ended(self) -> None:
        """The last lap was the end of the request."""
        self.seconds = self._mark - self.started_at
        for tell in self._observer.tell_finished:
            tell(self)
        # A stream that was forgotten may end in a thread that serves another request.
        if REQUEST.get() is self.context:
            REQUEST.set(None)


class Observer:
    """Makes the observations of one server."""

    def __init__(self, *listeners: Listener) -> None:
        self.tell_started: Tellers = tuple(
            listener.started for listener in listeners if type(listener).started is not Listener.started
        )
        self.tell_finished: Tellers = tuple(listener.finished for listener in listeners)


def _log_failure(
    operation: Operation, context: RequestContext, failure: Failure, error: BaseException
) -> None:
    unexpected = failure.origin is Origin.UNEXPECTED
    message = shorten(failure.message, _LONGEST_MESSAGE)
    if failure.status is Status.INTERNAL and error.__cause__ is not None:
        message = f"{message} ({shorten(text_of(error.__cause__), _LONGEST_MESSAGE)})"
    log.warning(
        {
            "log_code": _LOG_CODES[failure.origin],
            "message": f"{operation.name} ended with {failure.status.name}: {message}",
            "model_id": None if context.model_id is None else shorten(context.model_id, LONGEST_MODEL_ID),
            "error_id": failure.id,
            "request_id": context.request_id,
        },
        exc_info=error if unexpected else None,
    )
