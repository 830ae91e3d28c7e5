"""Whether this process traces, and where to."""

from __future__ import annotations

import atexit
import os
import threading
from typing import TYPE_CHECKING, Any

import alog

from caikit.config import get_config

from ._off import NO_TRACER
from ._settings import TraceSettings

if TYPE_CHECKING:
    from ._pipeline import Pipeline

log = alog.use_channel("TRACE")


class Tracing:
    """At most one pipeline per process; the servers hold it, and the last one closes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._registered = False
        self.pipeline: Pipeline | None = None

    def hold(self, settings: TraceSettings) -> None:
        """Trace from now on, if that is on; every call needs a `release`."""
        with self._lock:
            if self.pipeline is None:
                self._open(settings)
            self._holders += 1

    def release(self) -> None:
        with self._lock:
            self._holders -= 1
            pipeline = None
            if self._holders == 0:
                pipeline, self.pipeline = self.pipeline, None
        if pipeline is not None:
            pipeline.close()

    def change(self, settings: TraceSettings) -> None:
        """Trace in this way from now on, until the program ends."""
        former = None
        with self._lock:
            if self.pipeline is not None and self.pipeline.settings == settings:
                return
            former, self.pipeline = self.pipeline, None
            self._open(settings)
        if former is not None:
            former.close()

    def tracer(self, name: str) -> Any:
        pipeline = self.pipeline
        return NO_TRACER if pipeline is None else pipeline.tracer(name)

    def _open(self, settings: TraceSettings) -> None:
        if not settings.enabled:
            return
        try:
            from ._pipeline import Pipeline

            self.pipeline = Pipeline(settings)
        except ImportError as error:
            log.warning(
                "<RUN41027815W>",
                "Tracing is off because a package is missing: %s. It comes with pip install 'caikit[runtime-trace]'",
                error,
            )
            return
        log.info("<RUN41027817I>", "Sending traces to %s by %s", settings.endpoint, settings.protocol)
        if not self._registered:
            self._registered = True
            atexit.register(self._end)
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=self._forked)

    def _end(self) -> None:
        pipeline, self.pipeline = self.pipeline, None
        if pipeline is not None:
            pipeline.close()

    def _forked(self) -> None:
        """The connection and the threads of the exporter stayed with the parent."""
        self._lock = threading.Lock()
        self.pipeline = None


TRACING = Tracing()


def configure() -> None:
    """Trace as `runtime.trace` of the configuration says. Servers do so when they start.

    Raises ValueError for settings that cannot be used. Missing packages are a warning; nothing is traced then.
    """
    TRACING.change(TraceSettings.from_config(get_config()))


def get_tracer(name: str) -> Any:
    """A tracer of OpenTelemetry, or one that does nothing while tracing is off; not to be kept for long."""
    return TRACING.tracer(name)
