"""Ten times as many requests as the server can serve."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass
from typing import Any

import grpc

from soak.interface import Interface, model
from soak.scenario import Scenario, Stage, option, percentile, until
from soak.server import JSON, Server, work
from soak.sockets import http_request


@dataclass(frozen=True, kw_only=True)
class Overload(Scenario):
    """What is too much is refused at once, with a code and a time to come back; what was admitted is answered right."""

    name = "overload"

    seconds: float = option(12, short=1.5, help="seconds of overload")
    factor: float = option(10, short=10, help="requests offered, in multiples of what can be served")
    threads: int = option(4, short=4, help="worker threads of each protocol")
    work: float = option(0.05, short=0.05, help="seconds that each request takes")
    clients: int = option(32, short=32, help="clients over each protocol")

    def run(self, stage: Stage) -> None:
        limits = {"server_thread_pool_size": self.threads, "max_queued_requests": self.threads}
        server = stage.serve(settings={"runtime": limits})
        before = server.resources()
        with server.channel() as channel:
            load = _Load(self, stage, server, channel)
            stage.in_threads(2 * self.clients + 1, load.client)
            after = until(lambda: _idle(server), 10) or server.resources()
        self._check(stage, server, load)
        stage.fact("before -> after", before.grown_to(after))
        stage.check(after.requests == 0, f"{after.requests} requests are still counted as running")
        stage.stop(server)

    def _check(self, stage: Stage, server: Server, load: _Load) -> None:
        admitted = server.notes.read_text().split() if server.notes.exists() else []
        answered = sum(load.right.values())
        stage.check(len(admitted) == len(set(admitted)), "a request was worked on twice")
        missing = set(admitted) - load.answered
        stage.check(
            not missing, f"{len(missing)} requests were worked on and not answered: {sorted(missing)[:3]}"
        )
        capacity = self.threads / self.work * load.lasted
        for protocol in ("http", "grpc"):
            stage.count(f"{protocol}: answered", load.right[protocol])
            stage.count(f"{protocol}: refused", load.refused[protocol])
            served, offered = load.right[protocol], load.right[protocol] + load.refused[protocol]
            stage.fact(f"{protocol}: offered x capacity", f"{offered / capacity:.1f}")
            stage.check(
                served >= capacity / 4, f"{protocol}: only {served} of {capacity:.0f} possible answers"
            )
            stage.check(load.refused[protocol] > 0, f"{protocol}: nothing was refused")
        stage.count("answered", answered)
        for name, times in load.times.items():
            stage.fact(
                f"{name}, ms (median, 99 %, most)",
                " ".join(f"{1000 * percentile(times, share):.0f}" for share in (0.5, 0.99, 1)),
            )
        stage.check(percentile(load.times["health"], 1) < 3, "health took longer than 3 s")
        stage.check(percentile(load.times["refusal"], 0.99) < 2, "refusals took longer than 2 s")


class _Load:
    def __init__(self, options: Overload, stage: Stage, server: Server, channel: grpc.Channel) -> None:
        self._options, self._stage, self._server, self._channel = options, stage, server, channel
        self._method = Interface(channel)["WorkTaskPredict"]
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self._end = self._start + options.seconds
        self.right = {"http": 0, "grpc": 0}
        self.refused = {"http": 0, "grpc": 0}
        self.answered: set[str] = set()
        self.times: dict[str, list[float]] = {"answer": [], "refusal": [], "health": []}
        self.lasted = options.seconds

    def client(self, index: int) -> None:
        """The last one asks for health; of the others, half speak HTTP."""
        if index == 2 * self._options.clients:
            self._ask_for_health()
        elif index % 2:
            self._over_http()
        else:
            self._over_grpc()

    def _paces(self) -> Any:
        """When this client sends its next request, so that all together offer what they should."""
        options = self._options
        pause = options.clients * options.work / (options.threads * options.factor)
        due = time.monotonic()
        while due < self._end:
            yield f"t{next(self._numbers)}"
            due = max(due + pause, time.monotonic() - 1)
            time.sleep(max(0.0, due - time.monotonic()))

    def _over_http(self) -> None:
        connection = self._server.connection()
        for text in self._paces():
            content = http_request("", work(text, seconds=self._options.work)).partition(b"\r\n\r\n")[2]
            start = time.monotonic()
            connection.request("POST", "/api/v1/task/work", content, JSON)
            response = connection.getresponse()
            body = response.read()
            right = b'"text": "%b"' % text.encode() in body
            refused = response.status == 429
            self._stage.check(
                (response.status == 200 and right) or refused,
                f"HTTP answered {response.status} {body[:200]!r}",
            )
            retry_after = response.headers.get("retry-after", "")
            self._stage.check(
                not refused or retry_after.isdecimal(), f"HTTP 429 with retry-after {retry_after!r}"
            )
            self._note("http", text, refused, time.monotonic() - start)
        connection.close()

    def _over_grpc(self) -> None:
        call = self._method.open(self._channel)
        for text in self._paces():
            start = time.monotonic()
            refused = False
            try:
                message = self._method.message(text=text, seconds=self._options.work)
                answer = self._method.read(call(message, metadata=model("worker"), timeout=30))
                self._stage.check(answer.text == text, f"gRPC answered {answer}")
            except grpc.RpcError as error:
                refused = True
                code, details = error.code(), error.details()
                self._stage.check(
                    code is grpc.StatusCode.RESOURCE_EXHAUSTED, f"gRPC answered {code} {details}"
                )
            self._note("grpc", text, refused, time.monotonic() - start)

    def _note(self, protocol: str, text: str, refused: bool, seconds: float) -> None:
        with self._lock:
            self.times["refusal" if refused else "answer"].append(seconds)
            if refused:
                self.refused[protocol] += 1
            else:
                self.right[protocol] += 1
                self.answered.add(text)
            self.lasted = max(self.lasted, time.monotonic() - self._start)

    def _ask_for_health(self) -> None:
        health = self._channel.unary_unary("/grpc.health.v1.Health/Check")
        while time.monotonic() < self._end:
            start = time.monotonic()
            self._stage.check(
                self._server.request("GET", "/health")[0] == 200, "HTTP says that it is not healthy"
            )
            self._stage.check(health(b"", timeout=10) == b"\x08\x01", "gRPC says that it is not healthy")
            self.times["health"].append(time.monotonic() - start)
            self._stage.count("health checks")
            time.sleep(0.1)


def _idle(server: Server) -> Any:
    now = server.resources()
    return now if now.requests == 0 else None
