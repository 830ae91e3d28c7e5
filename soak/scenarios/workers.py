"""Worker processes that are killed under load."""

from __future__ import annotations

import http.client
import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import grpc

from soak.interface import Interface, model
from soak.resources import Resources, children_of
from soak.scenario import Scenario, Stage, option, until
from soak.server import Server, work

# What a client sees of a worker that dies.
LOST = (ConnectionError, http.client.IncompleteRead, http.client.BadStatusLine)
WORK_SECONDS = 0.02
# The supervisor tells of each death, and of each successor.
DEATH = "<RUN61240106E>"
SERVES = "<RUN61240101I>"


class Span(NamedTuple):
    """In seconds of `time.monotonic`."""

    begin: float
    end: float


@dataclass(frozen=True, kw_only=True)
class KilledWorkers(Scenario):
    """A worker process that is killed takes its own requests with it and no others, and another takes its place."""

    name = "workers"

    kills: int = option(9, short=2, help="workers that are killed, one after the other")
    workers: int = option(3, short=2, help="worker processes")
    clients: int = option(8, short=6, help="clients, half of them over each protocol")
    seconds: float = option(
        1, short=0.3, help="longest time from one kill to the next, beyond that of a start"
    )

    def run(self, stage: Stage) -> None:
        server = stage.serve(settings={"runtime": {"workers": self.workers}})
        team = until(lambda: self._team(server), 20)
        stage.check(team, f"{len(children_of(server.process.pid))} of {self.workers} workers serve")
        before = server.resources()
        load = _Load(server, stage)
        load.start(self.clients)
        chance = random.Random(stage.seed)
        deaths: list[Span] = []
        try:
            for _ in range(self.kills):
                load.wait_for_answers(self.clients * 3)
                threading.Event().wait(chance.random() * self.seconds)
                # The one that has served longest: a worker that dies again and again is given up.
                team = self._kill(stage, server, min(team), deaths)
        finally:
            load.wait_for_answers(self.clients * 3)
            load.finish()
        others = [
            lost
            for lost in load.lost
            if not any(lost.begin <= death.end and lost.end >= death.begin for death in deaths)
        ]
        stage.check(not others, f"{len(others)} requests were lost while no worker died")
        stage.count("answered", load.answered)
        stage.count("lost with their worker", len(load.lost))
        after = until(lambda: self._is_back(server, before.other_files), 10, every=0.3) or server.resources()
        stage.fact("supervisor, before -> after", before.grown_to(after))
        stage.check(
            after.other_files <= before.other_files + 4, f"files grew from {before.files} to {after.files}"
        )
        stage.check(after.threads <= before.threads + 4, "threads of the supervisor are left")
        stage.check(after.children == before.children, "there are more or less processes than before")
        told = server.log().count(DEATH)
        stage.check(told == self.kills, f"{told} deaths were logged, not {self.kills}")
        stage.stop(server, forgiven=DEATH)

    def _team(self, server: Server) -> set[int]:
        """All workers, when all are there."""
        processes = set(children_of(server.process.pid))
        return processes if len(processes) == self.workers else set()

    def _kill(self, stage: Stage, server: Server, victim: int, deaths: list[Span]) -> set[int]:
        """The team when another one serves in its place."""
        served = server.log().count(SERVES)
        begin = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        # Its connections are closed by the last of its threads, after which its supervisor can see it off.
        until(lambda: not Path(f"/proc/{victim}").exists(), 10, every=0.005)
        deaths.append(Span(begin, time.monotonic()))
        stage.count("workers killed")
        until(lambda: server.log().count(SERVES) > served, 30, every=0.1)
        team = self._team(server)
        if not team or victim in team:
            raise RuntimeError("nobody takes the place of a worker that was killed")
        return team

    def _is_back(self, server: Server, files: int) -> Resources | None:
        now = server.resources()
        return now if now.requests == 0 and now.other_files <= files + 4 else None


class _Load:
    """Clients that come over new connections, and come again when they have lost a request."""

    def __init__(self, server: Server, stage: Stage) -> None:
        self._server, self._stage = server, stage
        self._numbers = itertools.count()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self.answered = 0
        self.lost: list[Span] = []
        with server.channel() as channel:
            self._method = Interface(channel)["WorkTaskPredict"]

    def start(self, clients: int) -> None:
        for index in range(clients):
            call = self._over_grpc if index % 2 else self._over_http
            self._threads.append(threading.Thread(target=self._client, args=(call,)))
            self._threads[-1].start()

    def finish(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)
            self._stage.check(not thread.is_alive(), "a client waits for ever")

    def wait_for_answers(self, count: int) -> None:
        begin = self.answered
        served = until(lambda: self.answered >= begin + count, 20)
        self._stage.check(served, f"only {self.answered - begin} answers in 20 s")

    def _client(self, call: Callable[[str], str | None]) -> None:
        while not self._over.is_set():
            text = f"t{next(self._numbers)}"
            begin = time.monotonic()
            try:
                answer = call(text)
            except Exception as error:
                self._stage.check(False, f"{text} was answered with {type(error).__name__}: {error}")
                continue
            with self._lock:
                if answer is None:
                    self.lost.append(Span(begin, time.monotonic()))
                else:
                    self.answered += 1
            self._stage.check(answer in (text, None), f"{text} was answered with {answer}")

    def _over_http(self, text: str) -> str | None:
        """The text of the answer; None if there was none."""
        try:
            status, answer = self._server.post("/api/v1/task/work", work(text, seconds=WORK_SECONDS))
        except LOST:
            return None
        return str(answer["text"]) if status == 200 else f"{status} {answer}"

    def _over_grpc(self, text: str) -> str | None:
        message = self._method.message(text=text, seconds=WORK_SECONDS)
        with self._server.channel() as channel:
            try:
                answer = self._method.open(channel)(message, metadata=model("worker"), timeout=30)
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.UNAVAILABLE:
                    return None
                return f"{error.code()} {error.details()}"
        return str(self._method.read(answer).text)
