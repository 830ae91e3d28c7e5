"""Counts requests. What prometheus reads is computed when it reads, not when a request is served."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from caikit.runtime.engine import Kind, Operation, Status

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_UNKNOWN_MODEL = "_unknown"
_STAGES = {
    "predict_from_proto_duration_seconds": "Time spent on decoding requests",
    "predict_caikit_library_duration_seconds": "Time spent in modules",
    "predict_to_proto_duration_seconds": "Time spent on encoding responses",
}
_CALL_COUNTERS = {
    Kind.INFERENCE: ("predict_rpc_count", "Count of inference calls"),
    Kind.JOB: ("predict_job_rpc_count", "Count of started prediction jobs"),
}
_JOB_CALLS = (
    "StartPredictionJob",
    "GetPredictionJobStatus",
    "GetPredictionJobResult",
    "CancelPredictionJob",
)


class _Series:
    """Totals of one operation with one model."""

    __slots__ = ("calls", "codes", "seconds")

    def __init__(self) -> None:
        # By the name of the status: hashing an enum member is slow.
        self.codes: dict[str, int] = {}
        self.calls = 0
        self.seconds = [0.0, 0.0, 0.0]


class _Tally:
    """Everything that is counted about one operation."""

    __slots__ = ("counts_calls", "finished", "handler", "kind", "lock", "request", "series", "started")

    def __init__(self, operation: Operation) -> None:
        self.lock = threading.Lock()
        self.handler = _handler_name(operation)
        self.request = operation.request.__name__
        self.kind = operation.kind
        self.counts_calls = _counts_as_call(operation)
        self.started = 0
        self.finished = 0
        self.series: dict[str, _Series] = {}


class RequestMetrics:
    """Implements the engine's `Metrics` and the collector interface of `prometheus_client`."""

    def __init__(self, is_model: Callable[[str], bool] = lambda model_id: False) -> None:
        self._lock = threading.Lock()
        self._tallies: dict[str, _Tally] = {}
        # Only models that exist get a label: clients must not be able to invent time series.
        self._is_model = is_model
        self._known_models: set[str] = set()

    def started(self, operation: Operation) -> None:
        tally = self._tallies.get(operation.name) or self._add_tally(operation)
        with tally.lock:
            tally.started += 1

    def finished(
        self,
        operation: Operation,
        model_id: str | None,
        status: Status,
        decode: float,
        work: float,
        encode: float,
    ) -> None:
        tally = self._tallies[operation.name]
        label = self._label(model_id, status) if tally.counts_calls else _UNKNOWN_MODEL
        with tally.lock:
            tally.finished += 1
            if not tally.counts_calls:
                return
            series = tally.series.get(label)
            if series is None:
                series = tally.series[label] = _Series()
            code = status.name
            series.codes[code] = series.codes.get(code, 0) + 1
            series.calls += 1
            seconds = series.seconds
            seconds[0] += decode
            seconds[1] += work
            seconds[2] += encode

    def _add_tally(self, operation: Operation) -> _Tally:
        with self._lock:
            return self._tallies.setdefault(operation.name, _Tally(operation))

    def _label(self, model_id: str | None, status: Status) -> str:
        if model_id in self._known_models:
            return model_id
        if model_id and (status is Status.OK or self._is_model(model_id)):
            self._known_models.add(model_id)
            return model_id
        return _UNKNOWN_MODEL

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily

        with self._lock:
            tallies = list(self._tallies.values())
        gauge = GaugeMetricFamily("rpc_in_progress_gauge", "Requests in progress", labels=["rpc_name"])
        for handler, count in _sum_running(tallies).items():
            gauge.add_metric([handler], count)
        yield gauge
        for kind, (counter_name, documentation) in _CALL_COUNTERS.items():
            counter = CounterMetricFamily(
                counter_name, documentation, labels=["grpc_request", "code", "model_id"]
            )
            for tally, model_id, codes, _, _ in _copy_series(tallies, kind):
                for code, calls in codes.items():
                    counter.add_metric([tally.request, code, model_id], calls)
            yield counter
        for stage, (summary_name, documentation) in enumerate(_STAGES.items()):
            summary = SummaryMetricFamily(summary_name, documentation, labels=["grpc_request", "model_id"])
            for tally, model_id, _, calls, seconds in _copy_series(tallies, Kind.INFERENCE):
                summary.add_metric([tally.request, model_id], calls, seconds[stage])
            yield summary


def _sum_running(tallies: list[_Tally]) -> dict[str, int]:
    running: dict[str, int] = {}
    for tally in tallies:
        with tally.lock:
            running[tally.handler] = running.get(tally.handler, 0) + tally.started - tally.finished
    return running


def _copy_series(
    tallies: list[_Tally], kind: Kind
) -> Iterator[tuple[_Tally, str, dict[str, int], int, list[float]]]:
    for tally in tallies:
        if tally.kind is kind:
            with tally.lock:
                copies = [
                    (tally, model_id, dict(series.codes), series.calls, list(series.seconds))
                    for model_id, series in tally.series.items()
                ]
            yield from copies


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
