"""Clients that leave."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import grpc

from soak.interface import Interface, model
from soak.resources import Resources
from soak.scenario import Scenario, Stage, option, shares, until
from soak.server import Server, work
from soak.sockets import GrpcSocket, chunk, connect, http_request, lines_request, read_all, reset

ENDLESS = 10**8
STREAM = "/api/v1/task/server-streaming-work"
WORKERS = 16
SMALL_POOL = {"runtime": {"server_thread_pool_size": WORKERS, "max_queued_requests": 64}}
Client = Callable[[int], object]


@dataclass(frozen=True, kw_only=True)
class WalkAway(Scenario):
    """Clients that leave in the middle of a stream leave nothing behind: no thread, memory, file or place in a queue."""

    name = "walk-away"

    clients: int = option(5000, short=48, help="clients that leave, over each protocol")
    at_once: int = option(8, short=8, help="clients at the same time, over each protocol")
    warm_up: int = option(400, short=32, help="clients of each protocol before the first measurement")
    megabytes: float = option(16, short=16, help="growth of memory that is allowed")
    settle: float = option(15, short=15, help="seconds that the server has to tidy up")

    def run(self, stage: Stage) -> None:
        server = stage.serve(settings=SMALL_POOL)
        with server.channel() as channel:
            attack = _Attack(server, Interface(channel), channel, stage)
            self._leave(stage, attack, self.warm_up)
            stage.counts.clear()
            before = until(lambda: _idle(server), self.settle, every=0.2) or server.resources()
            self._leave(stage, attack, self.clients)
            after = self._settle(server, before)
        stage.fact("before -> after", before.grown_to(after))
        self._compare(stage, before, after)
        status, answer = server.post("/api/v1/task/work", work("still here"))
        stage.check(
            status == 200 and answer["text"] == "still here", f"no answer afterwards: {status} {answer}"
        )
        stage.stop(server)

    def _leave(self, stage: Stage, attack: _Attack, count: int) -> None:
        """Half of the threads over each protocol; each client picks a way to leave."""
        kinds = [attack.over_http] * self.at_once + [attack.over_grpc] * self.at_once
        ranges = [*shares(count, self.at_once), *shares(count, self.at_once)]

        def one_after_the_other(index: int) -> None:
            for number in ranges[index]:
                kinds[index](number)

        stage.in_threads(len(kinds), one_after_the_other)

    def _settle(self, server: Server, before: Resources) -> Resources:
        until(lambda: _is_back(before, server.resources(), self), self.settle, every=0.3)
        return server.resources()

    def _compare(self, stage: Stage, before: Resources, after: Resources) -> None:
        for name, slack in _slack(self).items():
            old, new = getattr(before, name), getattr(after, name)
            stage.check(new <= old + slack, f"{name.replace('_', ' ')} grew from {old} to {new}")


class _Attack:
    def __init__(self, server: Server, interface: Interface, channel: grpc.Channel, stage: Stage) -> None:
        self._server = server
        self._channel = channel
        self._stage = stage
        self._stream = interface["ServerStreamingWorkTaskPredict"]
        self._unary = interface["WorkTaskPredict"]
        self._bidi = interface["BidiStreamingWorkTaskPredict"]
        self._http: list[tuple[str, Client]] = [
            ("HTTP: stream reset", partial(self._leave_stream, reset)),
            ("HTTP: stream closed", partial(self._leave_stream, socket.socket.close)),
            ("HTTP: stream half-closed, then reset", self._half_close_stream),
            ("HTTP: stream not read at all, reset", self._leave_unread),
            ("HTTP: half-closed before the answer", self._half_close),
            ("HTTP: left in the middle of the request", self._leave_half_request),
            ("HTTP: left in the middle of a stream of lines", self._leave_lines),
        ]
        self._grpc: list[tuple[str, Client]] = [
            ("gRPC: stream cancelled", self._cancel_stream),
            ("gRPC: connection of a stream reset", partial(self._drop, reset)),
            ("gRPC: connection of a stream closed", partial(self._drop, socket.socket.close)),
            ("gRPC: connection half-closed, then reset", self._half_close_connection),
            ("gRPC: call cancelled", self._cancel_call),
            ("gRPC: two-way stream cancelled", self._cancel_bidi),
        ]

    def over_http(self, number: int) -> None:
        self._one(self._http, number)

    def over_grpc(self, number: int) -> None:
        self._one(self._grpc, number)

    def _one(self, ways: list[tuple[str, Client]], number: int) -> None:
        what, leave = ways[number % len(ways)]
        leave(number)
        self._stage.count(what)

    # HTTP

    def _content(self, number: int) -> dict[str, object]:
        pace = (0.0, 0.002, 5.0)[number % 3]
        return work("x", count=ENDLESS, seconds=pace, pad=(0, 2000)[number % 2])

    def _leave_stream(self, leave: Callable[[socket.socket], object], number: int) -> None:
        client = connect(self._server.http_address)
        client.sendall(http_request(STREAM, self._content(number)))
        first = client.recv(4096)
        leave(client)
        self._stage.check(b" 200 " in first or b" 429 " in first, f"a stream began with {first[:200]!r}")

    def _half_close_stream(self, number: int) -> None:
        client = connect(self._server.http_address)
        client.sendall(http_request(STREAM, self._content(number)))
        client.recv(4096)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)
            client.recv(4096)
        reset(client)

    def _leave_unread(self, number: int) -> None:
        client = connect(self._server.http_address, buffer=2048)
        client.sendall(http_request(STREAM, self._content(number)))
        reset(client)

    def _half_close(self, number: int) -> None:
        """Who cannot send any more may still be answered; the connection ends in any case."""
        with connect(self._server.http_address) as client:
            client.sendall(http_request("/api/v1/task/work", work("x", seconds=0.01)))
            client.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                read_all(client)

    def _leave_half_request(self, number: int) -> None:
        request = http_request("/api/v1/task/work", work("x"))
        client = connect(self._server.http_address)
        client.sendall(request[: 1 + number % (len(request) - 1)])
        client.close() if number % 2 else reset(client)

    def _leave_lines(self, number: int) -> None:
        path = "/api/v1/task/" + ("bidi" if number % 2 else "client") + "-streaming-work"
        client = connect(self._server.http_address)
        client.sendall(lines_request(path) + chunk(b'{"model_id": "worker", "inputs": "x"}\n{"inp'))
        if number % 2:
            client.recv(4096)
        reset(client) if number % 4 < 2 else client.close()

    # gRPC

    def _message(self, number: int) -> bytes:
        pace = (0.0, 0.002, 5.0)[number % 3]
        return self._stream.message(text="x", count=ENDLESS, seconds=pace, pad=(0, 2000)[number % 2])

    def _cancel_stream(self, number: int) -> None:
        items = self._stream.open(self._channel)(self._message(number), metadata=model("worker"), timeout=30)
        with contextlib.suppress(grpc.RpcError):
            next(items)
        items.cancel()

    def _drop(self, leave: Callable[[socket.socket], object], number: int) -> None:
        call = GrpcSocket(self._server, self._stream.path, "worker", self._message(number))
        call.read_until_item()
        leave(call.socket)

    def _half_close_connection(self, number: int) -> None:
        call = GrpcSocket(self._server, self._stream.path, "worker", self._message(number))
        call.read_until_item()
        if number % 2:
            call.cancel()
        with contextlib.suppress(OSError):
            call.socket.shutdown(socket.SHUT_WR)
            call.socket.recv(4096)
        reset(call.socket)

    def _cancel_call(self, number: int) -> None:
        call = self._unary.open(self._channel).future(
            self._unary.message(text="x", seconds=5), metadata=model("worker"), timeout=30
        )
        if number % 2:
            with contextlib.suppress(grpc.RpcError, grpc.FutureTimeoutError):
                call.result(random.Random(number).random() / 50)
        call.cancel()

    def _cancel_bidi(self, number: int) -> None:
        messages = iter([self._bidi.message(texts="x")] * (1 + number % 3))
        items = self._bidi.open(self._channel)(messages, metadata=model("worker"), timeout=30)
        if number % 2:
            with contextlib.suppress(grpc.RpcError):
                next(items)
        items.cancel()


def _slack(limits: WalkAway) -> dict[str, float]:
    """How much more there may be: pools of threads are filled when they are needed, and arenas of memory grow."""
    return {
        "requests": 0,
        "temporary_files": 0,
        "children": 0,
        "other_files": 4,
        "threads": WORKERS,
        "objects": max(1000, limits.clients // 10),
        "megabytes": limits.megabytes,
    }


def _is_back(before: Resources, now: Resources, limits: WalkAway) -> bool:
    return all(getattr(now, name) <= getattr(before, name) + slack for name, slack in _slack(limits).items())


def _idle(server: Server) -> Resources | None:
    now = server.resources()
    return None if now.requests else now
