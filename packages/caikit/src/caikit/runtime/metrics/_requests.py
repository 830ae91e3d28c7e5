"""Counts requests. What prometheus reads is computed when it reads, not when a request is served."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from caikit.runtime.engine import Kind, Observation, Operation

from ._builtin import BuiltinMetrics, BuiltinTally
from ._labels import ModelLabels
from ._tally import Note, Series, Tally

if TYPE_CHECKING:
    from prometheus_client.core import Metric

GRPC = "grpc"

# More are not kept until prometheus reads; a request leaves two.
_MOST_NOTES = 512

_SUMMARIES = {
    "predict_from_proto_duration_seconds": "Time spent on decoding requests",
    "predict_caikit_library_duration_seconds": "Time spent in modules",
    "predict_to_proto_duration_seconds": "Time spent on encoding responses",
}
_CALL_COUNTERS = {
    Kind.INFERENCE: ("predict_rpc_count", "Count of inference calls"),
    Kind.JOB: ("predict_job_rpc_count", "Count of started prediction jobs"),
}
_METHOD_LABELS = ["grpc_type", "grpc_service", "grpc_method"]
_GRPC_COUNTERS: dict[str, tuple[str, Callable[[Tally | BuiltinTally], int]]] = {
    "grpc_server_started": ("RPCs started on the server", lambda tally: tally.started),
    "grpc_server_msg_received": ("Messages received on the server", lambda tally: tally.received),
    "grpc_server_msg_sent": ("Messages sent by the server", lambda tally: tally.sent),
}
_GRPC_HISTOGRAMS = {
    "grpc_server_handling_seconds": "Time from the start of an RPC to its end, in seconds",
    "grpc_server_handled_latency_seconds": "Older name of grpc_server_handling_seconds",
}


class ProtocolMetrics:
    """Counts the requests of one protocol; listens to the engines of its servers.

    Requests leave a note, without a lock; notes are counted many at a time.
    """

    def __init__(self, protocol: str, labels: ModelLabels) -> None:
        self.protocol = protocol
        self._labels = labels
        self._lock = threading.Lock()
        # The operation of each request that has started. Appending to lists and taking from them is atomic.
        self._notes: list[Operation | Note] = []
        self._counted_at = time.time()
        self._tallies: dict[tuple[str, str], Tally] = {}

    def started(self, observation: Observation) -> None:
        self._notes.append(observation.operation)

    def finished(self, observation: Observation) -> None:
        notes = self._notes
        notes.append(
            (
                observation.operation,
                observation.context.model_id,
                observation.status,
                observation.received,
                observation.sent,
                observation.seconds,
                observation.queued,
                observation.decode,
                observation.work,
                observation.encode,
                observation.first_item,
            )
        )
        if len(notes) >= _MOST_NOTES and self._lock.acquire(blocking=False):
            try:
                self._count()
            finally:
                self._lock.release()

    def tallies(self) -> list[Tally]:
        with self._lock:
            self._count()
            return list(self._tallies.values())

    def _count(self) -> None:
        """Count the requests that have left notes."""
        notes = self._notes[:]
        del self._notes[: len(notes)]
        finished = [note for note in notes if isinstance(note, tuple)]
        started = [note for note in notes if not isinstance(note, tuple)]
        counts = Counter(map(id, started))
        for operation in {id(each): each for each in started}.values():
            self._tally(operation).begin(counts[id(operation)])
        by_outcome: dict[tuple[int, str | None, int], list[Note]] = {}
        for note in finished:
            # Hashing an enum member is slow.
            by_outcome.setdefault((id(note[0]), note[1], id(note[2])), []).append(note)
        for alike in by_outcome.values():
            self._tally(alike[0][0]).end(alike, self._counted_at)
        self._counted_at = time.time()

    def _tally(self, operation: Operation) -> Tally:
        key = (operation.service, operation.name)
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = Tally(operation, self._labels, self._counted_at)
        return tally


class RequestMetrics:
    """Implements the collector interface of `prometheus_client` for the requests of a process."""

    def __init__(self, is_model: Callable[[str], bool] = lambda model_id: False) -> None:
        self.builtin = BuiltinMetrics()
        self._labels = ModelLabels(is_model)
        self._lock = threading.Lock()
        self._protocols: dict[str, ProtocolMetrics] = {}

    def listener(self, protocol: str) -> ProtocolMetrics:
        """What counts the requests of one protocol."""
        with self._lock:
            return self._protocols.setdefault(protocol, ProtocolMetrics(protocol, self._labels))

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            protocols = list(self._protocols.values())
        tallies = [(each.protocol, tally) for each in protocols for tally in each.tallies()]
        gone = self._labels.drop_gone()
        for _, tally in tallies:
            tally.forget(gone)
        builtin = self.builtin.tallies()
        yield _running([*(tally for _, tally in tallies), *builtin])
        yield from _calls(tallies)
        yield from _durations(tallies)
        yield from _grpc([*(tally for protocol, tally in tallies if protocol == GRPC), *builtin])


Tallies = list[tuple[str, Tally]]


def _running(tallies: Iterable[Tally | BuiltinTally]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    running: dict[str, int] = {}
    for tally in tallies:
        with tally.lock:
            running[tally.handler] = running.get(tally.handler, 0) + tally.started - tally.finished
    gauge = GaugeMetricFamily("rpc_in_progress_gauge", "Requests in progress", labels=["rpc_name"])
    for handler, count in running.items():
        gauge.add_metric([handler], count)
    return gauge


def _calls(tallies: Tallies) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, SummaryMetricFamily

    for kind, (name, documentation) in _CALL_COUNTERS.items():
        counter = CounterMetricFamily(name, documentation, labels=["grpc_request", "code", "model_id"])
        for (request, model_id), series in _series(tallies, kind).items():
            for code, calls in series.codes.items():
                counter.add_metric([request, code, model_id], calls, created=series.created)
        yield counter
    inference = _series(tallies, Kind.INFERENCE)
    for stage, (name, documentation) in enumerate(_SUMMARIES.items()):
        summary = SummaryMetricFamily(name, documentation, labels=["grpc_request", "model_id"])
        for labels, series in inference.items():
            summary.add_metric(labels, series.calls, series.seconds[stage])
        yield summary


def _durations(tallies: Tallies) -> Iterator[Metric]:
    from prometheus_client.core import HistogramMetricFamily

    total = HistogramMetricFamily(
        "caikit_request_duration_seconds",
        "Time from the start of a request in its worker to its end",
        labels=["protocol", "rpc_name"],
    )
    stages = HistogramMetricFamily(
        "caikit_request_stage_seconds",
        "Time that requests spend in each stage; first_item is the time until a stream has its first item",
        labels=["protocol", "rpc_name", "stage"],
    )
    for protocol, tally in tallies:
        labels = [protocol, tally.operation.name]
        with tally.lock:
            total.add_metric(labels, tally.total.buckets(), tally.total.sum)
            for stage, histogram in tally.stages.items():
                if stage != "first_item" or tally.operation.shape.output_streaming:
                    stages.add_metric([*labels, stage], histogram.buckets(), histogram.sum)
    yield total
    yield stages


def _grpc(tallies: list[Tally | BuiltinTally]) -> Iterator[Metric]:
    """The metrics that gRPC servers have in common."""
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

    for name, (documentation, read) in _GRPC_COUNTERS.items():
        counter = CounterMetricFamily(name, documentation, labels=_METHOD_LABELS)
        for tally in tallies:
            counter.add_metric(tally.method, read(tally), created=tally.created)
        yield counter
    handled = CounterMetricFamily(
        "grpc_server_handled", "RPCs completed on the server", labels=[*_METHOD_LABELS, "grpc_code"]
    )
    for tally in tallies:
        with tally.lock:
            for code, count in tally.codes.items():
                handled.add_metric([*tally.method, code], count, created=tally.created)
    yield handled
    for name, documentation in _GRPC_HISTOGRAMS.items():
        histogram = HistogramMetricFamily(name, documentation, labels=_METHOD_LABELS)
        for tally in tallies:
            with tally.lock:
                histogram.add_metric(tally.method, tally.total.buckets(), tally.total.sum)
        yield histogram


def _series(tallies: Tallies, kind: Kind) -> dict[tuple[str, str], Series]:
    """The totals by request and model; those of all protocols and services are added up."""
    sums: dict[tuple[str, str], Series] = {}
    for _, tally in tallies:
        if tally.operation.kind is kind:
            request = tally.operation.request.__name__
            with tally.lock:
                for model_id, series in tally.series.items():
                    _add(sums.setdefault((request, model_id), Series(series.created)), series)
    return sums


def _add(total: Series, more: Series) -> None:
    total.calls += more.calls
    total.created = min(total.created, more.created)
    for code, calls in more.codes.items():
        total.codes[code] = total.codes.get(code, 0) + calls
    total.seconds = [a + b for a, b in zip(total.seconds, more.seconds, strict=True)]
