"""Signals while the server is at work."""

from __future__ import annotations

import http.client
import itertools
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import grpc

from soak.interface import Interface, model
from soak.scenario import Scenario, Stage, option
from soak.server import JSON, Server, work
from soak.sockets import http_request

ITEMS = 5
REFUSED = "refused"
ANSWERED = "answered"
CUT = "cut off"
# The connection has ended without an answer.
UNREACHED = (ConnectionError, http.client.RemoteDisconnected, http.client.BadStatusLine)


@dataclass(frozen=True, kw_only=True)
class StopUnderLoad(Scenario):
    """A signal to stop loses nothing: each request is answered in full or refused, and what was begun is answered."""

    name = "stop"

    rounds: int = option(14, short=2, help="servers that are stopped")
    clients: int = option(12, short=8, help="clients of each server")
    seconds: float = option(0.6, short=0.3, help="seconds of load before the signal")

    def run(self, stage: Stage) -> None:
        chance = random.Random(stage.seed)
        slowest = 0.0
        for number in range(self.rounds):
            server = stage.serve()
            load = _Load(server, stage, number)
            load.start(self.clients)
            time.sleep(self.seconds * (0.5 + chance.random()))
            how = signal.SIGTERM if number % 3 else signal.SIGINT
            slowest = max(slowest, stage.stop(server, within=15, how=how))
            load.finish()
            stage.count("servers stopped")
            self._compare(stage, server, load)
        stage.fact("slowest stop", f"{slowest:.1f} s")

    def _compare(self, stage: Stage, server: Server, load: _Load) -> None:
        begun = set(server.notes.read_text().split()) if server.notes.exists() else set()
        outcomes = load.outcomes
        for outcome, number in Counter(outcomes.values()).items():
            stage.count(outcome, number)
        lost = sorted(text for text in begun if outcomes.get(text) != ANSWERED)
        stage.check(not lost, f"begun but not answered: {[(text, outcomes.get(text)) for text in lost[:3]]}")
        cut = sorted(text for text, outcome in outcomes.items() if outcome == CUT and text in begun)
        stage.check(not cut, f"begun and cut off: {cut[:3]}")
        silent = sorted(text for text, outcome in outcomes.items() if outcome == CUT and text not in begun)
        stage.check(not silent, f"neither answered nor refused: {silent[:3]}")


class _Load:
    """Clients that send one request after the other until they are refused; each request has a text of its own."""

    def __init__(self, server: Server, stage: Stage, seed: int) -> None:
        self._server, self._stage, self._seed = server, stage, seed
        self.outcomes: dict[str, str] = {}
        self._numbers = itertools.count()
        self._threads: list[threading.Thread] = []
        self._channel = server.channel()
        self._methods = Interface(self._channel)
        self._ways: list[Callable[[random.Random], str]] = [
            self._http_unary,
            self._http_stream,
            self._http_kept_connection,
            self._grpc_unary,
            self._grpc_stream,
            self._grpc_stream_in,
            self._grpc_bidi,
        ]
        self._kept = threading.local()

    def start(self, clients: int) -> None:
        for index in range(clients):
            way = self._ways[index % len(self._ways)]
            self._threads.append(threading.Thread(target=self._client, args=(way, self._seed * 100 + index)))
            self._threads[-1].start()

    def finish(self) -> None:
        for thread in self._threads:
            thread.join(30)
            self._stage.check(not thread.is_alive(), "a client waits for ever")
        self._channel.close()

    def _client(self, way: Callable[[random.Random], str], seed: int) -> None:
        chance = random.Random(seed)
        while way(chance) == ANSWERED:
            pass

    def _note(self, text: str, outcome: str) -> str:
        self.outcomes[text] = outcome
        return outcome

    def _text(self, way: str) -> str:
        return f"{way}-{next(self._numbers)}"

    # HTTP

    def _http_unary(self, chance: random.Random) -> str:
        return self._http("http", self._server.connection(), chance)

    def _http_kept_connection(self, chance: random.Random) -> str:
        if not hasattr(self._kept, "connection"):
            self._kept.connection = self._server.connection()
        return self._http("kept", self._kept.connection, chance)

    def _http(self, way: str, connection: http.client.HTTPConnection, chance: random.Random) -> str:
        text = self._text(way)
        body = http_request("", work(text, seconds=chance.random() / 5)).partition(b"\r\n\r\n")[2]
        reused = connection.sock is not None
        try:
            if not reused:
                connection.connect()
            connection.request("POST", "/api/v1/task/work", body, JSON)
            response = connection.getresponse()
            answer = response.read()
        except ConnectionRefusedError:
            return self._note(text, REFUSED)
        except UNREACHED:
            # HTTP lets a server close a connection that waits; the client then asks again. A new one is another matter.
            return self._note(text, "closed before it was read" if reused else CUT)
        if response.status == 200:
            self._stage.check(
                b'"text": "%b"' % text.encode() in answer, f"{text} was answered with {answer[:100]!r}"
            )
            return self._note(text, ANSWERED)
        self._stage.check(
            response.status == 503, f"{text} was refused with {response.status} {answer[:100]!r}"
        )
        return self._note(text, REFUSED)

    def _http_stream(self, chance: random.Random) -> str:
        text, connection = self._text("sse"), self._server.connection()
        body = http_request("", work(text, count=ITEMS, seconds=chance.random() / 20))
        try:
            connection.connect()
            connection.request(
                "POST", "/api/v1/task/server-streaming-work", body.partition(b"\r\n\r\n")[2], JSON
            )
            response = connection.getresponse()
            answer = response.read()
        except ConnectionRefusedError:
            return self._note(text, REFUSED)
        except (http.client.IncompleteRead, *UNREACHED):
            return self._note(text, CUT)
        finally:
            connection.close()
        if response.status == 503:
            return self._note(text, REFUSED)
        whole = response.status == 200 and answer.count(b"event: message") == ITEMS
        return self._note(text, ANSWERED if whole else CUT)

    # gRPC

    def _grpc_unary(self, chance: random.Random) -> str:
        method, text = self._methods["WorkTaskPredict"], self._text("unary")
        request = method.message(text=text, seconds=chance.random() / 5)
        return self._grpc(
            text, lambda: [method.open(self._channel)(request, metadata=model("worker"), timeout=30)]
        )

    def _grpc_stream(self, chance: random.Random) -> str:
        method, text = self._methods["ServerStreamingWorkTaskPredict"], self._text("out")
        request = method.message(text=text, count=ITEMS, seconds=chance.random() / 20)
        return self._grpc(
            text, lambda: method.open(self._channel)(request, metadata=model("worker"), timeout=30), ITEMS
        )

    def _grpc_stream_in(self, chance: random.Random) -> str:
        method, text = self._methods["ClientStreamingWorkTaskPredict"], self._text("in")
        requests = [method.message(texts=text, seconds=chance.random() / 20)] * ITEMS
        return self._grpc(
            text, lambda: [method.open(self._channel)(iter(requests), metadata=model("worker"), timeout=30)]
        )

    def _grpc_bidi(self, chance: random.Random) -> str:
        method, text = self._methods["BidiStreamingWorkTaskPredict"], self._text("bidi")
        requests = [method.message(texts=text, seconds=chance.random() / 20)] * ITEMS
        return self._grpc(
            text,
            lambda: method.open(self._channel)(iter(requests), metadata=model("worker"), timeout=30),
            ITEMS,
        )

    def _grpc(self, text: str, call: Callable[[], Iterable[bytes]], items: int = 1) -> str:
        got = 0
        try:
            for _ in call():
                got += 1
        except grpc.RpcError as error:
            if got:
                return self._note(text, CUT)
            refused = error.code() is grpc.StatusCode.UNAVAILABLE
            self._stage.check(refused, f"{text} was refused with {error.code()} {error.details()}")
            return self._note(text, REFUSED)
        return self._note(text, ANSWERED if got == items else CUT)
