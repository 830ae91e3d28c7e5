"""What both servers have in common: their life cycle."""

from __future__ import annotations

import abc
import contextlib
import math
import threading
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import alog
from typing_extensions import Self

from ._serving.core import SHARED_CORES, load_configuration
from ._serving.lane import Lane
from ._serving.metering import PROCESS_METER
from ._serving.metrics import PROCESS_METRICS
from ._serving.signals import SIGNAL_RELAY
from ._serving.tls import find_tls
from .engine import WorkerPool
from .engine.model_loop import MODEL_LOOP
from .names import ServiceType
from .service_factory import ServicePackage, ServicePackageFactory
from .trace._tracing import TRACING

__all__ = ["RuntimeServerBase"]

log = alog.use_channel("SERVR-BASE")

# How long workers may take to end after the last request.
_WORKERS_SECONDS = 2.0
_NAP_SECONDS = 0.5


class RuntimeServerBase(abc.ABC):
    """A server with models and a port: built, started, stopped."""

    _protocol: str

    def __init__(self, tls_config_override: Any = None) -> None:
        self.config = load_configuration()
        self.tls_config = self.config.runtime.tls if tls_config_override is None else tls_config_override
        self._tls = find_tls(self.tls_config)
        generation = self.config.runtime.service_generation
        self.enable_inference: bool = generation.enable_inference is not False
        self.enable_training: bool = generation.enable_training is not False
        self.enable_inference_jobs: bool = generation.enable_inference_jobs is not False
        self._core = SHARED_CORES.hold(self.config)
        try:
            self._lane = Lane(self._core.settings, threads=self._thread_count, name=self._protocol)
        except BaseException:
            SHARED_CORES.release(self._core)
            raise
        self._lock = threading.Lock()
        self._releases = contextlib.ExitStack()
        self._stopping = False
        self._ended = threading.Event()

    # Life cycle

    def __enter__(self) -> Self:
        self.start(blocking=False)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop(self._exit_grace_seconds)

    def start(self, blocking: bool = True) -> None:
        """Serve; with `blocking` until the server is stopped."""
        with SIGNAL_RELAY.waiting() if blocking else contextlib.nullcontext():
            self._start()
            if blocking:
                self.wait()

    def _start(self) -> None:
        try:
            for hold, release in self._process_wide():
                hold()
                self._releases.callback(release)
            self._start_head()
        except BaseException:
            self.stop(0)
            raise
        SIGNAL_RELAY.add(self)
        self._log_started()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the server was stopped; tells whether it was."""
        end = math.inf if timeout is None else time.monotonic() + timeout
        with SIGNAL_RELAY.waiting():
            # Python does not see a signal that comes in the instant before a wait begins until that wait is over.
            while not self._ended.wait(min(_NAP_SECONDS, max(0.0, end - time.monotonic()))):
                if time.monotonic() >= end:
                    return False
        SIGNAL_RELAY.remove(self)
        return True

    def stop(self, grace_period_seconds: float | None = None) -> None:
        """Stop in stages; a second call waits for the first one.

        1. Nothing new is accepted; what runs may finish within the grace period.
        2. The other requests are cancelled.
        3. The workers end.
        4. With the last server of the process, running and waiting trainings and prediction jobs are cancelled.
        5. With it, the models are dropped.
        """
        grace = self._grace_seconds if grace_period_seconds is None else grace_period_seconds
        with self._lock:
            first, self._stopping = not self._stopping, True
        if first:
            try:
                self._stop_head(grace)
                self._lane.close(_WORKERS_SECONDS)
                SHARED_CORES.release(self._core)
            finally:
                self._release_process_wide()
        self._ended.wait()
        SIGNAL_RELAY.remove(self)

    def _process_wide(self) -> list[tuple[Callable[[], None], Callable[[], None]]]:
        """What the servers of a process have together while one of them runs: how it is begun and given up."""
        settings = self._core.settings
        return [
            (partial(TRACING.hold, settings.trace), TRACING.release),
            (partial(PROCESS_METER.hold, settings.metering), PROCESS_METER.release),
            (partial(PROCESS_METRICS.hold, settings, self._core.authoriser), PROCESS_METRICS.release),
            (MODEL_LOOP.hold, MODEL_LOOP.release),
        ]

    def _release_process_wide(self) -> None:
        try:
            self._releases.close()
        finally:
            self._ended.set()

    def interrupt(self, signal_: int | None, frame: FrameType | None) -> None:
        """Begin to stop, as after a signal; returns at once."""
        log.info("<RUN87630120I>", "Caikit Runtime received interrupt signal %s, shutting down", signal_)
        # Not a daemon: the process must not end before the running requests have.
        threading.Thread(target=self.stop, name="caikit_shutdown").start()

    def force_stop(self) -> None:
        """End the running requests now."""
        self._cancel_head()

    def is_stuck(self, seconds: float) -> bool:
        """The event loop, if there is one, has not turned for so long."""
        tick = self._last_tick
        return not self._stopping and tick is not None and time.monotonic() - tick > seconds

    # Services

    @property
    def thread_pool(self) -> WorkerPool:
        return self._lane.workers

    @property
    def inference_service(self) -> ServicePackage | None:
        return self._package(ServiceType.INFERENCE, self.enable_inference)

    @property
    def inference_job_service(self) -> ServicePackage | None:
        return self._package(ServiceType.JOB_INFERENCE, self.enable_inference_jobs)

    @property
    def training_service(self) -> ServicePackage | None:
        return self._package(ServiceType.TRAINING, self.enable_training)

    @property
    def training_management_service(self) -> ServicePackage | None:
        return self._package(ServiceType.TRAINING_MANAGEMENT, self.enable_training)

    @property
    def model_management_service(self) -> ServicePackage | None:
        enabled = self.enable_inference or self.enable_inference_jobs
        return self._package(ServiceType.MODEL_MANAGEMENT, enabled)

    @property
    def runtime_info_service(self) -> ServicePackage | None:
        return self._package(ServiceType.INFO, True)

    def _package(self, service_type: ServiceType, enabled: bool) -> ServicePackage | None:
        return ServicePackageFactory.get_service_package(service_type) if enabled else None

    # What the two servers do in their own way

    @property
    @abc.abstractmethod
    def port(self) -> int:
        """The port that is bound."""

    @property
    @abc.abstractmethod
    def _grace_seconds(self) -> float: ...

    @property
    def _last_tick(self) -> float | None:
        """When the event loop has turned; None if there is none."""
        return None

    @property
    def _exit_grace_seconds(self) -> float:
        return self._grace_seconds

    @property
    def _thread_count(self) -> int:
        return self._core.settings.threads

    @abc.abstractmethod
    def _start_head(self) -> None: ...

    @abc.abstractmethod
    def _stop_head(self, grace: float) -> None: ...

    @abc.abstractmethod
    def _cancel_head(self) -> None: ...

    @abc.abstractmethod
    def _log_started(self) -> None: ...
