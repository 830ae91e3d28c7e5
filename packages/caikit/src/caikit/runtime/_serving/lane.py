"""What each server has for itself, so that one's trouble does not stop the other."""

from __future__ import annotations

from functools import partial

import alog

from caikit.runtime.engine import AccessLog, Engine, Gate, Listener, Observer, WorkerPool
from caikit.runtime.engine.byte_budget import ByteBudget
from caikit.runtime.trace._requests import RequestTracing
from caikit.runtime.transport._builtin_calls import CountBuiltin, uncounted
from caikit.runtime.types.aborted_exception import AbortedException

from .metering import PROCESS_METER
from .metrics import PROCESS_METRICS
from .settings import CoreSettings

log = alog.use_channel("SERVR-CORE")


class Lane:
    """Workers, the gate before them, and the engine that they run."""

    def __init__(self, settings: CoreSettings, *, threads: int, name: str) -> None:
        self.workers = WorkerPool(
            threads, name=f"caikit_runtime_{name}", longest_wait=settings.max_queue_seconds
        )
        self.gate = Gate(
            self.workers,
            max_queued=settings.max_queued,
            bytes_held=ByteBudget(settings.max_held_bytes),
            on_refusal=partial(PROCESS_METRICS.servers.refused, name),
        )
        self.tracing = RequestTracing(name) if settings.trace.enabled else None
        self.engine = Engine(
            gate=self.gate,
            observer=Observer(*_listeners(settings, name, self.tracing)),
            abort_exception=AbortedException if settings.abortable else None,
        )
        self.count_builtin: CountBuiltin = (
            PROCESS_METRICS.requests.builtin.begin if settings.metrics_enabled else uncounted
        )
        PROCESS_METRICS.servers.add(name, self.workers)

    def close(self, seconds: float) -> None:
        """Take no more work and end the workers; those that do not end in time are left behind."""
        self.gate.drain()
        if not self.workers.close(seconds):
            log.warning("<RUN35126710W>", "Some workers are still busy and are left behind")
        PROCESS_METRICS.servers.remove(self.workers)


def _listeners(settings: CoreSettings, protocol: str, tracing: RequestTracing | None) -> list[Listener]:
    """Who is told about the requests of a server."""
    # The log comes last: its lines are the proof that all others know.
    listeners: list[Listener] = []
    if tracing is not None:
        listeners.append(tracing)
    if settings.metrics_enabled:
        listeners.append(PROCESS_METRICS.requests.listener(protocol))
    if settings.metering.enabled:
        listeners.append(PROCESS_METER)
    return [*listeners, AccessLog(protocol)]
