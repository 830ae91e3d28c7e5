"""Starts the workers, watches them, replaces those that die, and ends them all."""

from __future__ import annotations

import os
import selectors
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import alog

from caikit.runtime import _numbers

from .channel import Message
from .count import PATIENCE_KEY, find_patience
from .crew import Crew
from .member import Member, Phase
from .ports import places, reserve
from .relay import UnixRelay
from .signals import ENDING, SignalQueue
from .switchboard import Switchboard

OnServing = Callable[[dict[str, int]], object]

log = alog.use_channel("WORKERS")
base_log = alog.use_channel("SERVR-BASE")
start_logs = {"grpc": alog.use_channel("SERVR-GRPC"), "http": alog.use_channel("SERVR-HTTP")}

_START_LINES = {"grpc": "<RUN10001001I>", "http": "<RUN10001002I>"}
# What a worker may take, beyond the grace period, to end its threads, jobs and models.
_ENDING_SECONDS = 20.0
_FORCED_ENDING_SECONDS = 10.0
# Paths of sockets have 107 bytes at most.
_LONGEST_FOLDER = 90


class WorkersFailed(SystemExit):
    """The log has told it already; whoever does not catch this ends with the code of the worker."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code)
        self.reason = reason


def supervise(config: Any, workers: int, protocols: list[str], on_serving: OnServing | None = None) -> None:
    """Serve with this many workers until SIGINT or SIGTERM. For the main thread alone.

    When all of them serve for the first time, `on_serving` is told the port of each protocol. `WorkersFailed` when
    one cannot start, or several have died soon after their start.
    """
    with ExitStack() as stack:
        _Supervisor(config, workers, protocols, stack, on_serving).run()


class _Supervisor:
    def __init__(
        self,
        config: Any,
        workers: int,
        protocols: list[str],
        stack: ExitStack,
        on_serving: OnServing | None,
    ) -> None:
        self._on_serving = on_serving
        self._grace = _longest_grace(config.runtime, protocols)
        folder = _make_folder(stack)
        self._socket_folder = folder
        reserved = {
            name: stack.enter_context(reserve(place)) for name, place in places(config, protocols).items()
        }
        ports = {name: each.getsockname()[1] for name, each in reserved.items()}
        if "http" in protocols:
            ports.setdefault("http", ports.get("grpc", 0))
        self._relay = self._make_relay(config.runtime, stack) if "grpc" in protocols else None
        if self._relay is not None and len(folder) > _LONGEST_FOLDER:
            self._socket_folder = _make_folder(stack, "/tmp")  # noqa: S108 - the shortest there is
        self._seat = {
            "protocols": protocols,
            "ports": ports,
            "folder": folder,
            "supervisor": os.getpid(),
            "path": sys.path,
        }
        self._patience = find_patience(config)
        self._seat["patience"] = self._patience
        self._crew = Crew(workers, self._start_member)
        self._switchboard = Switchboard(self._joined, self._own_figures)
        self._selector = selectors.DefaultSelector()
        stack.callback(self._selector.close)
        self._signals = SignalQueue()
        self._starting = True
        self._was_ready = False
        self._stop_signals = 0
        self._kill_at: float | None = None
        self._failure: WorkersFailed | None = None

    def run(self) -> None:
        with self._signals.listening():
            self._selector.register(self._signals, selectors.EVENT_READ)
            try:
                self._crew.start_all()
                while self._crew.members or not self._stopping:
                    self._step()
            finally:
                for member in self._crew.members:
                    member.kill()
        if self._failure is not None:
            raise self._failure

    @property
    def _stopping(self) -> bool:
        return self._kill_at is not None

    # The loop

    def _step(self) -> None:
        self._watch_members()
        for key, _ in self._selector.select(self._seconds_to_next()):
            if isinstance(key.fileobj, Member):
                self._serve(key.fileobj)
            else:
                self._obey(self._signals.take())
        now = time.monotonic()
        self._switchboard.expire(now)
        for member in self._crew.members:
            member.kill_if_due(now)
            self._kill_if_silent(member, now)
        self._bury_the_dead()
        if not self._stopping:
            self._crew.start_due(now)
        elif self._kill_at is not None and now >= self._kill_at:
            self._kill_stragglers()

    def _watch_members(self) -> None:
        for member in self._crew.members:
            if member.is_broken:
                self._unwatch(member)
                continue
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if member.has_unsent else 0)
            try:
                self._selector.modify(member, events)
            except KeyError:
                self._selector.register(member, events)

    def _seconds_to_next(self) -> float | None:
        moments = [self._switchboard.next_deadline(), self._kill_at]
        moments += [member.kill_at for member in self._crew.members]
        if self._patience is not None:
            moments += [member.next_judgement(self._patience) for member in self._crew.members]
        if not self._stopping:
            moments.append(self._crew.next_start())
        due = [moment for moment in moments if moment is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _serve(self, member: Member) -> None:
        for message in member.receive():
            self._take(member, message)
        member.flush()

    def _take(self, member: Member, message: Message) -> None:
        match message["type"]:
            case "joined":
                member.phase = Phase.JOINED
                member.send({"type": "history", "calls": self._switchboard.history})
            case "prepared":
                member.phase = Phase.PREPARED
                self._let_serve()
            case "serving":
                member.serves()
                self._tell_start(member, message["servers"])
            case "loading":
                member.loading = message["count"]
                # One that comes later does not make the whole unready again.
                if not self._was_ready:
                    self._tell_loading()
            case "ask":
                self._switchboard.ask(member, message)
            case "answer":
                self._switchboard.answer(member, message)
            case "samples":
                self._switchboard.figures.keep(member.pid, message["families"])
            case "beat":
                member.last_beat = time.monotonic()
            case "leaving":
                member.phase = Phase.LEAVING
            case "failed":
                member.reason = message["reason"]

    # Start

    def _start_member(self, number: int) -> Member:
        seat = {**self._seat, "unix": self._socket_path(number) if self._relay else ""}
        return Member(number, seat)

    def _let_serve(self) -> None:
        """At the start all begin together; later each as soon as it can."""
        prepared = [member for member in self._crew.members if member.phase is Phase.PREPARED]
        if not self._starting or len(prepared) == self._crew.size:
            for member in prepared:
                member.send({"type": "serve"})

    def _tell_start(self, member: Member, servers: dict[str, dict[str, Any]]) -> None:
        if not self._starting:
            log.info("<RUN61240101I>", "Worker %d (pid %d) serves", member.number, member.pid)
            return
        if any(each.phase is not Phase.SERVING for each in self._crew.members):
            return
        self._starting = False
        self._tell_loading()
        if self._relay is not None:
            self._relay.start()
        pids = ", ".join(str(each.pid) for each in self._crew.members)
        log.info("<RUN61240100I>", "%d workers serve (pids %s)", self._crew.size, pids)
        for protocol, server in servers.items():
            start_logs[protocol].info(
                _START_LINES[protocol],
                f"Caikit Runtime is serving {protocol} on port: %s with thread pool size: %s",
                server["port"],
                server["threads"],
            )
        if self._on_serving is not None:
            self._on_serving({protocol: server["port"] for protocol, server in servers.items()})

    def _tell_loading(self) -> None:
        """All say that they are ready at the same moment, or nearly so."""
        most = max((member.loading for member in self._crew.members), default=0)
        self._was_ready = self._was_ready or (not self._starting and not most)
        for member in self._crew.members:
            member.send({"type": "loading", "count": most})

    # End

    def _obey(self, signals: list[int]) -> None:
        for number in signals:
            if number not in ENDING:
                continue
            self._stop_signals += 1
            if self._stop_signals == 1:
                base_log.info(
                    "<RUN87630120I>", "Caikit Runtime received interrupt signal %s, shutting down", number
                )
                self._stop()
            elif self._stop_signals == 2:
                self._stop(at_once=True)
            else:
                self._kill_stragglers()

    def _stop(self, *, at_once: bool = False, failure: WorkersFailed | None = None) -> None:
        seconds = _FORCED_ENDING_SECONDS if at_once else self._grace + _ENDING_SECONDS
        self._kill_at = time.monotonic() + seconds
        self._failure = self._failure or failure
        if self._relay is not None:
            self._relay.close()
        for member in self._crew.members:
            member.leave(at_once=at_once)

    def _kill_stragglers(self) -> None:
        for member in self._crew.members:
            log.warning(
                "<RUN61240102W>", "Worker %d (pid %d) has not ended and is killed", member.number, member.pid
            )
            member.kill()
        self._kill_at = time.monotonic() + _FORCED_ENDING_SECONDS

    def _kill_if_silent(self, member: Member, now: float) -> None:
        if self._patience is None or not member.falls_silent(now, self._patience):
            return
        log.error(
            "<RUN61240108E>",
            "Worker %d (pid %d) has given no sign of life for %g seconds (%s) and is killed",
            member.number,
            member.pid,
            self._patience,
            PATIENCE_KEY,
        )
        member.kill()

    def _bury_the_dead(self) -> None:
        for member in self._crew.members:
            if not member.has_ended():
                continue
            if not member.is_broken:
                self._serve(member)  # its last words
            self._crew.bury(member, replace=not self._stopping and not self._starting)
            self._switchboard.forget(member)
            self._unwatch(member)
            member.close()
            if self._stopping:
                continue
            if not self._was_ready:
                self._tell_loading()
            self._judge(member)

    def _judge(self, member: Member) -> None:
        who, cause = f"Worker {member.number} (pid {member.pid})", member.cause
        if self._starting:
            log.error("<RUN61240103E>", "%s ended before it could serve: %s", who, cause)
            reason = member.reason or f"{who} ended before it could serve: {cause}"
            self._stop(failure=WorkersFailed(max(1, member.exit_code), reason))
            return
        delay = self._crew.seconds_to_start(member.number)
        if delay is None:
            log.error(
                "<RUN61240104E>",
                "%s ended, and so did %d before it soon after their start: giving up. The last cause: %s",
                who,
                self._crew.most_failures - 1,
                cause,
            )
            reason = (
                f"{self._crew.most_failures} workers ended soon after their start; the last cause: {cause}"
            )
            self._stop(failure=WorkersFailed(1, reason))
        elif member.phase is Phase.LEAVING:
            log.info("<RUN61240105I>", "%s has left (%s); another one takes its place", who, cause)
        else:
            log.error(
                "<RUN61240106E>",
                "%s died after %.1f seconds: %s. Another one takes its place in %.2f seconds",
                who,
                time.monotonic() - member.started_at,
                cause,
                delay,
            )

    def _unwatch(self, member: Member) -> None:
        with suppress(KeyError):
            self._selector.unregister(member)

    # What is known about all

    def _joined(self) -> list[Member]:
        return [each for each in self._crew.members if each.phase is not Phase.STARTING]

    def _own_figures(self) -> list[Any]:
        serving = sum(each.phase is Phase.SERVING for each in self._crew.members)
        return [
            _family("caikit_runtime_workers", "Workers that serve", "gauge", "", serving),
            _family(
                "caikit_runtime_worker_deaths",
                "Workers that have died",
                "counter",
                "_total",
                self._crew.deaths,
            ),
        ]

    # The unix socket

    def _socket_path(self, number: int) -> str:
        return os.path.join(self._socket_folder, f"grpc-{number}.sock")

    def _make_relay(self, runtime: Any, stack: ExitStack) -> UnixRelay | None:
        path = str(runtime.grpc.unix_socket_path or "")
        if not path or not os.path.isdir(os.path.dirname(path) or "."):
            return None
        try:
            relay = UnixRelay(path, self._listening_sockets)
        except OSError as error:
            log.warning("<RUN10001012W>", "Cannot listen on the unix socket %s: %s", path, error)
            return None
        stack.callback(relay.close)
        log.info("<RUN10001011I>", "Listening on the unix socket %s", path)
        return relay

    def _listening_sockets(self) -> list[str]:
        return [
            self._socket_path(member.number) for member in self._crew.members if member.phase is Phase.SERVING
        ]


def _make_folder(stack: ExitStack, parent: str | None = None) -> str:
    """A folder of our own that nobody else can look into; it is gone in the end."""
    folder = tempfile.mkdtemp(prefix="caikit-workers-", dir=parent)
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _longest_grace(runtime: Any, protocols: list[str]) -> float:
    key = "server_shutdown_grace_period_seconds"
    graces = [
        _numbers.number(f"runtime.{protocol}.{key}", getattr(runtime, protocol).get(key) or 0)
        for protocol in protocols
    ]
    return max(graces, default=0.0)


def _family(name: str, documentation: str, kind: str, suffix: str, value: float) -> list[Any]:
    return [name, documentation, kind, "", [[f"{name}{suffix}", {}, float(value)]]]
