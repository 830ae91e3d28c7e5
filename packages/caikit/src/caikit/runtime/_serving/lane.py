"""What each server has for itself, so that one's trouble does not stop the other."""

from __future__ import annotations

import alog

from caikit.runtime.engine import Engine, Gate, Observer, WorkerPool
from caikit.runtime.types.aborted_exception import AbortedException

from .metrics import PROCESS_METRICS
from .settings import CoreSettings

log = alog.use_channel("SERVR-CORE")


class Lane:
    """Workers, the gate before them, and the engine that they run."""

    def __init__(self, settings: CoreSettings, *, threads: int, name: str) -> None:
        self.workers = WorkerPool(
            threads, name=f"caikit_runtime_{name}", longest_wait=settings.max_queue_seconds
        )
        self.gate = Gate(self.workers, max_queued=settings.max_queued)
        self.engine = Engine(
            gate=self.gate,
            observer=Observer(PROCESS_METRICS.requests if settings.metrics_enabled else None),
            abort_exception=AbortedException if settings.abortable else None,
        )

    def close(self, seconds: float) -> None:
        """Take no more work and end the workers; those that do not end in time are left behind."""
        self.gate.drain()
        if not self.workers.close(seconds):
            log.warning("<RUN35126710W>", "Some workers are still busy and are left behind")
