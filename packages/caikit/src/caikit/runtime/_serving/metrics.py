"""The metrics of the process: counted once, served on one port, however many servers there are."""

from __future__ import annotations

import threading

import alog

from caikit.runtime.metrics import MetricsEndpoint, RequestMetrics
from caikit.runtime.models import SHARED_STORE

from .settings import CoreSettings

log = alog.use_channel("METRICS")


class ProcessMetrics:
    """Counts the requests of all servers and serves the numbers while one of them runs."""

    def __init__(self) -> None:
        self.requests = RequestMetrics(_is_model)
        self._lock = threading.Lock()
        self._endpoint: MetricsEndpoint | None = None
        self._holders = 0

    @property
    def port(self) -> int | None:
        """The port where the numbers are served, if they are."""
        endpoint = self._endpoint
        return None if endpoint is None else endpoint.port

    def hold(self, settings: CoreSettings) -> None:
        """Serve the numbers from now on; every call needs a `release`."""
        with self._lock:
            if self._endpoint is None and settings.metrics_enabled:
                endpoint = MetricsEndpoint(
                    host=settings.metrics_host, port=settings.metrics_port, collector=self.requests
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


PROCESS_METRICS = ProcessMetrics()
