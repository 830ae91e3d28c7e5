"""What is counted about one operation over one protocol."""

from __future__ import annotations

import threading
import time

from caikit.runtime.engine import Kind, Observation, Operation, Shape
from caikit.runtime.engine.histogram import Histogram

from ._labels import ModelLabels

STAGES = ("queue", "decode", "run", "encode", "first_item")
"""What is measured of each request; `first_item` only of those that have a stream of answers."""

_JOB_CALLS = (
    "StartPredictionJob",
    "GetPredictionJobStatus",
    "GetPredictionJobResult",
    "CancelPredictionJob",
)
_GRPC_TYPES = {
    Shape.UNARY: "UNARY",
    Shape.SERVER_STREAM: "SERVER_STREAMING",
    Shape.CLIENT_STREAM: "CLIENT_STREAMING",
    Shape.BIDI: "BIDI_STREAMING",
}


class Series:
    """Totals of one operation with one model."""

    __slots__ = ("calls", "codes", "created", "seconds")

    def __init__(self) -> None:
        # By the name of the status: hashing an enum member is slow.
        self.codes: dict[str, int] = {}
        self.calls = 0
        self.created = time.time()
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

    def __init__(self, operation: Operation, labels: ModelLabels) -> None:
        self.lock = threading.Lock()
        self.operation = operation
        self.labels = labels
        self.handler = _handler_name(operation)
        self.method = (_GRPC_TYPES[operation.shape], operation.service, operation.name)
        self.counts_calls = _counts_as_call(operation)
        self.created = time.time()
        self.started = self.finished = self.received = self.sent = 0
        self.codes: dict[str, int] = {}
        self.total = Histogram()
        self.stages = {stage: Histogram() for stage in STAGES}
        self.series: dict[str, Series] = {}

    def begin(self) -> None:
        with self.lock:
            self.started += 1

    def end(self, observation: Observation) -> None:
        label = self.labels.find(observation) if self.counts_calls else None
        code = observation.status.name
        with self.lock:
            self.finished += 1
            self.codes[code] = self.codes.get(code, 0) + 1
            self.received += observation.received
            self.sent += observation.sent
            self.total.add(observation.seconds)
            stages = self.stages
            stages["queue"].add(observation.queued)
            stages["decode"].add(observation.decode)
            stages["run"].add(observation.work)
            stages["encode"].add(observation.encode)
            if observation.first_item is not None and self.operation.shape.output_streaming:
                stages["first_item"].add(observation.first_item)
            if label is not None:
                self._add(label, code, observation)

    def _add(self, label: str, code: str, observation: Observation) -> None:
        series = self.series.get(label)
        if series is None:
            series = self.series[label] = Series()
        series.codes[code] = series.codes.get(code, 0) + 1
        series.calls += 1
        seconds = series.seconds
        seconds[0] += observation.decode
        seconds[1] += observation.work
        seconds[2] += observation.encode

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
