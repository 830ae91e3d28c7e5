"""The meter of the process, however many servers there are."""

from __future__ import annotations

import threading

from caikit.runtime.engine import Observation
from caikit.runtime.metering import RPCMeter

from .settings import MeteringSettings


class ProcessMeter:
    """Counts the requests of all servers while one of them runs that is configured to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._meter: RPCMeter | None = None

    def hold(self, settings: MeteringSettings) -> None:
        """Write from now on, if that is on; every call needs a `release`."""
        with self._lock:
            if self._meter is None and settings.enabled:
                self._meter = _start(settings)
            self._holders += 1

    def release(self) -> None:
        with self._lock:
            self._holders -= 1
            if self._holders or self._meter is None:
                return
            meter, self._meter = self._meter, None
        meter.close()

    def started(self, observation: Observation) -> None:
        """Only the end is counted."""

    def finished(self, observation: Observation) -> None:
        meter = self._meter
        if meter is not None:
            meter.finished(observation)


def _start(settings: MeteringSettings) -> RPCMeter:
    try:
        meter = RPCMeter(settings.log_dir, settings.log_interval)
    except ValueError as error:
        raise ValueError(f"runtime.metering.log_interval: {error}") from error
    try:
        meter.start()
    except OSError as error:
        raise OSError(
            error.errno,
            f"Cannot write to {settings.log_dir} (runtime.metering.log_dir): {error.strerror}",
        ) from error
    return meter


PROCESS_METER = ProcessMeter()
