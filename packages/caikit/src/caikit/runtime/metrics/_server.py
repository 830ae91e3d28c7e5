"""What prometheus is told about the servers of a process, apart from their requests and models."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from caikit.runtime.engine import Reason, Status

if TYPE_CHECKING:
    from prometheus_client.core import Metric


class Workers(Protocol):
    """What a pool of workers tells about itself."""

    @property
    def running(self) -> int: ...

    @property
    def queued(self) -> int: ...


class ServerMetrics:
    """Implements the collector interface of `prometheus_client`; everything is read when prometheus asks."""

    def __init__(self, count_jobs: Callable[[], Mapping[tuple[str, str], int]]) -> None:
        """`count_jobs` tells how many jobs there are by kind and state."""
        self._count_jobs = count_jobs
        self._lock = threading.Lock()
        self._workers: list[tuple[str, Workers]] = []
        self._refused: Counter[tuple[str, str, str]] = Counter()

    def add(self, protocol: str, workers: Workers) -> None:
        """Show these workers until they are removed."""
        with self._lock:
            self._workers.append((protocol, workers))

    def remove(self, workers: Workers) -> None:
        with self._lock:
            self._workers = [pair for pair in self._workers if pair[1] is not workers]

    def refused(self, protocol: str, status: Status, reason: Reason) -> None:
        """Count a request that was turned away."""
        with self._lock:
            self._refused[protocol, status.name, reason.value] += 1

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        with self._lock:
            workers, refused = list(self._workers), dict(self._refused)
        busy, waiting = Counter[str](), Counter[str]()
        for protocol, pool in workers:
            busy[protocol] += pool.running
            waiting[protocol] += pool.queued
        running = GaugeMetricFamily(
            "caikit_requests_running", "Workers that serve a request", labels=["protocol"]
        )
        for protocol, count in busy.items():
            running.add_metric([protocol], count)
        yield running
        queued = GaugeMetricFamily(
            "caikit_requests_queued", "Requests that wait for a worker", labels=["protocol"]
        )
        for protocol, count in waiting.items():
            queued.add_metric([protocol], count)
        yield queued
        refusals = CounterMetricFamily(
            "caikit_requests_refused",
            "Requests that were turned away before their work began",
            labels=["protocol", "code", "reason"],
        )
        for reason, count in refused.items():
            refusals.add_metric(reason, count)
        yield refusals
        jobs = GaugeMetricFamily("caikit_jobs", "Known jobs by their state", labels=["kind", "state"])
        for labels, count in self._count_jobs().items():
            jobs.add_metric(labels, count)
        yield jobs
