"""Sees every request begin and end: the only place that logs failures and feeds the metrics."""

from __future__ import annotations

import time
from typing import Protocol

import alog

from .context import RequestContext
from .errors import Failure, Origin, shorten
from .operation import Operation
from .status import Status

log = alog.use_channel("GP-SERVICR-I")

_LONGEST_MESSAGE = 1000
_LONGEST_MODEL_ID = 200
_LOG_CODES = {
    Origin.STATUS: "<RUN50530380W>",
    Origin.INPUT: "<RUN490439039W>",
    Origin.UNEXPECTED: "<RUN49049070W>",
}


class Metrics(Protocol):
    """What the engine counts."""

    def started(self, operation: Operation) -> None: ...

    def finished(
        self,
        operation: Operation,
        model_id: str | None,
        status: Status,
        decode: float,
        work: float,
        encode: float,
    ) -> None: ...


class Observation:
    """One observed request; collects how long its stages took, in seconds."""

    __slots__ = ("_context", "_metrics", "_operation", "decode", "encode", "mark", "work")

    def __init__(self, operation: Operation, context: RequestContext, metrics: Metrics | None) -> None:
        self._operation = operation
        self._context = context
        self._metrics = metrics
        self.decode = self.work = self.encode = 0.0
        self.mark = time.perf_counter()
        if metrics is not None:
            metrics.started(operation)

    def lap(self) -> float:
        """Seconds since the last lap."""
        now = time.perf_counter()
        elapsed = now - self.mark
        self.mark = now
        return elapsed

    def succeeded(self) -> None:
        self._count(Status.OK)

    def failed(self, failure: Failure, error: BaseException) -> None:
        self._count(failure.status)
        _log_failure(self._operation, self._context, failure, error)

    def _count(self, status: Status) -> None:
        if self._metrics is not None:
            self._metrics.finished(
                self._operation, self._context.model_id, status, self.decode, self.work, self.encode
            )


class Observer:
    """Makes the observations; without metrics it only logs."""

    def __init__(self, metrics: Metrics | None = None) -> None:
        self._metrics = metrics

    def observe(self, operation: Operation, context: RequestContext) -> Observation:
        return Observation(operation, context, self._metrics)


def _log_failure(
    operation: Operation, context: RequestContext, failure: Failure, error: BaseException
) -> None:
    unexpected = failure.origin is Origin.UNEXPECTED
    message = shorten(failure.message, _LONGEST_MESSAGE)
    if failure.status is Status.INTERNAL and error.__cause__ is not None:
        message = f"{message} ({shorten(str(error.__cause__), _LONGEST_MESSAGE)})"
    log.warning(
        {
            "log_code": _LOG_CODES[failure.origin],
            "message": f"{operation.name} ended with {failure.status.name}: {message}",
            "model_id": None if context.model_id is None else shorten(context.model_id, _LONGEST_MODEL_ID),
            "error_id": failure.id,
            "request_id": context.request_id,
        },
        exc_info=error if unexpected else None,
    )
