"""What a worker does from its first message to its end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import alog

import caikit
from caikit.core.toolkit import logging
from caikit.runtime.__main__ import find_servers
from caikit.runtime._serving.libraries import import_libraries
from caikit.runtime._serving.metrics import PROCESS_METRICS
from caikit.runtime._serving.signals import SIGNAL_RELAY
from caikit.runtime._serving.start_failures import told_reason
from caikit.runtime.engine import RequestError
from caikit.runtime.models import SHARED_STORE
from caikit.runtime.server_base import RuntimeServerBase

from .channel import Channel, Message
from .metrics import TeamMetricsEndpoint, snapshot
from .models import TeamModels
from .pulse import Pulse
from .seat import Seat, take_seat
from .team import Team

log = alog.use_channel("WORKERS")

_LOADING_SECONDS = 0.1
_JOB_SECTIONS = ("trainers", "job_predictors")


def serve(channel: Channel, seat: Message) -> None:
    """Serve until the supervisor says otherwise, or is gone."""
    # The lines of all workers come out in one place.
    logging.configure(process_id=True)
    _Worker(channel, seat).run()


class _Worker:
    def __init__(self, channel: Channel, seat: Message) -> None:
        self._seat = seat
        self._team = Team(channel)
        self._servers: list[RuntimeServerBase] = []
        self._lock = threading.Lock()
        self._may_serve = threading.Event()
        self._is_leaving = False
        self._loads_of_team = 0

    def run(self) -> None:
        self._team.handle("samples", lambda args: snapshot())
        self._team.start(
            {
                "serve": lambda message: self._may_serve.set(),
                "stop": lambda message: self._leave(),
                "force": lambda message: self._leave(at_once=True),
                "loading": self._note_loading,
            },
            on_end=self._leave,
        )
        Pulse(
            self._team,
            lambda: list(self._servers),
            patience=self._seat["patience"],
            reports="metrics" in self._seat["ports"],
        ).start()
        take_seat(self._make_seat())
        SIGNAL_RELAY.ignore()
        import_libraries()
        _keep_jobs_in(os.path.join(self._seat["folder"], "jobs"))
        try:
            with self._reason_told():
                self._build()
            if self._serves_soon():
                with self._reason_told():
                    self._start()
                for server in self._servers:
                    server.wait()
        finally:
            for server in self._servers:
                server.stop()

    @contextlib.contextmanager
    def _reason_told(self) -> Iterator[None]:
        """The supervisor learns why this worker cannot start, and says it once for all."""
        try:
            yield
        except Exception as error:
            self._team.tell("failed", reason=told_reason(error))
            log.debug("<RUN61240123D>", "This is how it came", exc_info=error)
            sys.exit(1)

    def _make_seat(self) -> Seat:
        ports = self._seat["ports"]
        PROCESS_METRICS.endpoint_class = partial(TeamMetricsEndpoint, self._team, ports.get("metrics", 0))
        return Seat(
            grpc_port=ports.get("grpc", 0),
            http_port=ports.get("http", 0),
            unix_socket_path=self._seat["unix"],
            share=TeamModels(self._team).share,
            count_loads=lambda: self._loads_of_team,
        )

    def _build(self) -> None:
        for server_class in find_servers(self._seat["protocols"]):
            self._servers.append(server_class())

    def _serves_soon(self) -> bool:
        """Learn what the others know, then wait until the supervisor lets this worker serve."""
        signal.signal(signal.SIGTERM, self._leave_at_signal)
        signal.signal(signal.SIGINT, _ignore)
        self._team.tell("joined")
        self._team.caught_up.wait()
        for store in SHARED_STORE.stores:
            if store.settings.local_models_dir and os.path.isdir(store.settings.local_models_dir):
                with contextlib.suppress(RequestError, OSError):  # it came later, or is gone
                    store.sync_local_models(load=store.settings.load_new_local_models)
        self._tell_loading()
        self._team.tell("prepared")
        self._may_serve.wait()
        with self._lock:
            return not self._is_leaving

    def _start(self) -> None:
        for server in self._servers:
            server.start(blocking=False)
        described = {
            protocol: {"port": server.port, "threads": server.thread_pool.size}
            for protocol, server in zip(self._seat["protocols"], self._servers, strict=True)
        }
        self._team.tell("serving", servers=described)

    def _leave_at_signal(self, number: int, frame: object) -> None:
        # Not here: the main thread may hold a lock that is needed.
        threading.Thread(target=self._leave, name="caikit_leave").start()

    def _leave(self, *, at_once: bool = False) -> None:
        """End in good order, or without waiting for anything."""
        with self._lock:
            first, self._is_leaving = not self._is_leaving, True
        if first:
            self._team.tell("leaving")
            self._may_serve.set()
            self._team.caught_up.set()
            for server in self._servers:
                # Not a daemon: the process must not end before the running requests have.
                threading.Thread(target=server.stop, name="caikit_shutdown").start()
        if at_once:
            for server in self._servers:
                server.force_stop()

    # Readiness of the whole

    def _note_loading(self, message: Message) -> None:
        self._loads_of_team = message["count"]

    def _tell_loading(self) -> None:
        """Let the others know while this worker still loads the models that were there at the start."""
        if count := _count_loads():
            self._team.tell("loading", count=count)
            threading.Thread(target=self._follow_loading, args=(count,), daemon=True).start()

    def _follow_loading(self, told: int) -> None:
        while told:
            time.sleep(_LOADING_SECONDS)
            if (count := _count_loads()) != told:
                self._team.tell("loading", count=count)
                told = count


def _count_loads() -> int:
    return sum(store.loads_initially for store in SHARED_STORE.stores)


def _keep_jobs_in(folder: str) -> None:
    """Let the workers know each other's jobs, where the configuration does not name a place for them."""
    sections = caikit.get_config().model_management
    changed: dict[str, Any] = {
        section: {
            name: {"config": {"work_dir": folder}}
            for name, component in (sections.get(section) or {}).items()
            if _keeps_jobs_to_itself(component)
        }
        for section in _JOB_SECTIONS
    }
    caikit.configure(config_dict={"model_management": changed})


def _keeps_jobs_to_itself(component: Any) -> bool:
    if not isinstance(component, dict) or component.get("type") != "LOCAL":
        return False
    return not (component.get("config") or {}).get("work_dir")


def _ignore(number: int, frame: object) -> None:
    """Ctrl-C reaches all processes of a terminal; the supervisor decides."""
