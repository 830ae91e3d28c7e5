"""What prometheus is told about models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from caikit.runtime.engine.batching import BatchFigures

from ._totals import LoadTotals

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from .store import ModelStore


class ModelMetrics:
    """Implements the collector interface of `prometheus_client`; everything is read when prometheus asks."""

    def __init__(self, stores: Callable[[], Iterable[ModelStore]]) -> None:
        self._stores = stores

    def collect(self) -> Iterator[Metric]:
        stores = list(self._stores())
        yield from _models(stores)
        yield from _batches(stores)
        yield from _loads(stores)


def _models(stores: Iterable[ModelStore]) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    counts: Counter[tuple[str, str]] = Counter()
    sizes: Counter[str] = Counter()
    for store in stores:
        for entry in store.models.values():
            if entry.loaded():
                counts[entry.type(), entry.id()] += 1
                sizes[entry.type()] += entry.size() or 0
    models = GaugeMetricFamily(
        "total_loaded_models", "Count of loaded models", labels=["model_type", "model_id"]
    )
    for labels, count in counts.items():
        models.add_metric(labels, count)
    yield models
    bytes_in_use = GaugeMetricFamily(
        "total_loaded_models_size", "Size of all loaded models in bytes", labels=["model_type"]
    )
    for model_type, size in sizes.items():
        bytes_in_use.add_metric([model_type], size)
    yield bytes_in_use


def _batches(stores: Iterable[ModelStore]) -> Iterator[Metric]:
    from prometheus_client.core import HistogramMetricFamily

    sizes = HistogramMetricFamily(
        "caikit_batch_size", "Requests that were answered together", labels=["model_id"]
    )
    waits = HistogramMetricFamily(
        "caikit_batch_wait_seconds", "Time that requests wait for their batch to begin", labels=["model_id"]
    )
    totals: dict[str, BatchFigures] = {}
    for store in stores:
        for entry in store.models.values():
            if entry.batch is not None:
                totals.setdefault(entry.id(), BatchFigures()).include(entry.batch.figures)
    for model_id, figures in totals.items():
        sizes.add_metric([model_id], figures.sizes.buckets(), figures.sizes.sum)
        waits.add_metric([model_id], figures.waits.buckets(), figures.waits.sum)
    yield sizes
    yield waits


def _loads(stores: Iterable[ModelStore]) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, SummaryMetricFamily

    totals: dict[str, LoadTotals] = {}
    for store in stores:
        for model_type, more in store.load_totals().items():
            totals[model_type] = totals.get(model_type, LoadTotals()) + more
    loads = SummaryMetricFamily(
        "load_model_duration_seconds", "Time spent on loading models and their sizes", labels=["model_type"]
    )
    loader = SummaryMetricFamily(
        "caikit_core_load_model_duration_seconds", "Time spent in the model loader", labels=["model_type"]
    )
    failures = CounterMetricFamily(
        "load_model_exception_count", "Count of loads that failed", labels=["model_type"]
    )
    for model_type, each in totals.items():
        loads.add_metric([model_type], each.loads, each.seconds)
        loader.add_metric([model_type], each.loads, each.loader_seconds)
        failures.add_metric([model_type], each.failures)
    yield loads
    yield loader
    yield failures
