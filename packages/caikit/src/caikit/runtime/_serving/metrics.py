"""The metrics of the process: counted once, served on one port, however many servers there are."""

from __future__ import annotations

import threading
from collections.abc import Callable

import alog

from caikit.core import MODEL_MANAGER
from caikit.runtime.metrics import MetricsEndpoint, RequestMetrics, ServerMetrics
from caikit.runtime.models import SHARED_STORE
from caikit.runtime.models.metrics import ModelMetrics
from caikit.runtime.security import Access, Authoriser, Scope

from .settings import CoreSettings

log = alog.use_channel("METRICS")


class ProcessMetrics:
    """Counts the requests of all servers and serves the numbers while one of them runs."""

    def __init__(self) -> None:
        self.requests = RequestMetrics(_is_model)
        self.servers = ServerMetrics(_count_jobs)
        self.endpoint_class: Callable[..., MetricsEndpoint] = MetricsEndpoint
        self._models = ModelMetrics(lambda: SHARED_STORE.stores)
        self._lock = threading.Lock()
        self._endpoint: MetricsEndpoint | None = None
        self._holders = 0

    @property
    def port(self) -> int | None:
        """The port where the numbers are served, if they are."""
        endpoint = self._endpoint
        return None if endpoint is None else endpoint.port

    def hold(self, settings: CoreSettings, authoriser: Authoriser) -> None:
        """Serve the numbers from now on; every call needs a `release`."""
        with self._lock:
            wanted = settings.metrics_enabled and authoriser.access(Scope.METRICS) is not Access.CLOSED
            if self._endpoint is None and wanted:
                endpoint = self.endpoint_class(
                    host=settings.metrics_host,
                    port=settings.metrics_port,
                    collectors=(self.requests, self._models, self.servers),
                    guard=authoriser.guard_scope(Scope.METRICS, "the metrics"),
                )
                try:
                    endpoint.start()
                except OSError as error:
                    raise OSError(
                        error.errno,
                        f"Cannot serve metrics on port {settings.metrics_port} (runtime.metrics.port): "
                        f"{error.strerror}",
                    ) from error
                log.info("<RUN76773775I>", "Serving prometheus metrics on port %s", endpoint.port)
                self._endpoint = endpoint
            self._holders += 1

    def release(self) -> None:
        with self._lock:
            self._holders -= 1
            if self._holders == 0 and self._endpoint is not None:
                self._endpoint.stop()
                self._endpoint = None


def _is_model(model_id: str) -> bool:
    return any(model_id in store.models for store in SHARED_STORE.stores)


def _count_jobs() -> dict[tuple[str, str], int]:
    return {(kind, state.name): count for (kind, state), count in MODEL_MANAGER.count_jobs().items()}


PROCESS_METRICS = ProcessMetrics()
