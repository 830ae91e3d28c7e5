"""What is counted about one operation over one protocol."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from caikit.runtime.engine import Kind, Operation, Shape, Status
from caikit.runtime.engine.histogram import Histogram

from ._labels import ModelLabels

STAGES = ("queue", "decode", "run", "encode", "first_item")
"""What is measured of each request; `first_item` only of those that have a stream of answers."""

Note = tuple[Operation, str | None, Status, int, int, float, float, float, float, float, float | None]
"""A request that has ended: operation, model, status, messages received and sent; seconds: of all, and of each stage."""

_JOB_CALLS = (
    "StartPredictionJob",
    "GetPredictionJobStatus",
    "GetPredictionJobResult",
    "CancelPredictionJob",
)
GRPC_TYPES = {
    Shape.UNARY: "UNARY",
    Shape.SERVER_STREAM: "SERVER_STREAMING",
    Shape.CLIENT_STREAM: "CLIENT_STREAMING",
    Shape.BIDI: "BIDI_STREAMING",
}


class Series:
    """Totals of one operation with one model."""

    __slots__ = ("calls", "codes", "created", "seconds")

    def __init__(self, created: float) -> None:
        self.codes: dict[str, int] = {}
        self.calls = 0
        self.created = created
        self.seconds = [0.0, 0.0, 0.0]


class Tally:
    """Everything that is counted about one operation; read it with its lock."""

    __slots__ = (
        "codes",
        "counts_calls",
        "created",
        "finished",
        "handler",
        "labels",
        "lock",
        "method",
        "operation",
        "received",
        "sent",
        "series",
        "stages",
        "started",
        "total",
    )

    def __init__(self, operation: Operation, labels: ModelLabels, created: float) -> None:
        """`created` is when there were no calls yet, in seconds of `time.time`."""
        self.lock = threading.Lock()
        self.operation = operation
        self.labels = labels
        self.handler = _handler_name(operation)
        self.method = (GRPC_TYPES[operation.shape], operation.service, operation.name)
        self.counts_calls = _counts_as_call(operation)
        self.created = created
        self.started = self.finished = self.received = self.sent = 0
        self.codes: dict[str, int] = {}
        self.total = Histogram()
        self.stages = {stage: Histogram() for stage in STAGES}
        self.series: dict[str, Series] = {}

    def begin(self, count: int) -> None:
        with self.lock:
            self.started += count

    def end(self, notes: Sequence[Note], since: float) -> None:
        """Count requests for one model that have ended with one status, `since` the last ones were counted."""
        _, model_id, status, *_ = notes[0]
        _, _, _, received, sent, total, *stages, first_items = zip(*notes, strict=True)
        code, calls = status.name, len(notes)
        with self.lock:
            self.finished += calls
            self.codes[code] = self.codes.get(code, 0) + calls
            self.received += sum(received)
            self.sent += sum(sent)
            self.total.add_all(total)
            for stage, seconds in zip(STAGES, stages, strict=False):
                self.stages[stage].add_all(seconds)
            if self.operation.shape.output_streaming:
                self.stages["first_item"].add_all(each for each in first_items if each is not None)
            if self.counts_calls:
                series = self._series(self.labels.find(model_id, status), since)
                series.calls += calls
                series.codes[code] = series.codes.get(code, 0) + calls
                _, *summed = stages
                series.seconds = [
                    before + sum(more) for before, more in zip(series.seconds, summed, strict=True)
                ]

    def _series(self, label: str, since: float) -> Series:
        return self.series.get(label) or self.series.setdefault(label, Series(since))

    def forget(self, labels: set[str]) -> None:
        """Drop the totals of models that are gone."""
        with self.lock:
            for label in labels:
                self.series.pop(label, None)


def _counts_as_call(operation: Operation) -> bool:
    if operation.kind is Kind.JOB:
        return operation.name.endswith("StartPredictionJob")
    return operation.kind is Kind.INFERENCE


def _handler_name(operation: Operation) -> str:
    match operation.kind:
        case Kind.INFERENCE:
            return "Predict"
        case Kind.TRAINING:
            return "Train"
        case Kind.JOB:
            return next((name for name in _JOB_CALLS if operation.name.endswith(name)), operation.name)
        case _:
            return operation.name
