"""Connections that live long, and clients that read slowly."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import grpc

from soak.interface import Interface, model
from soak.scenario import Scenario, Stage, option, percentile, until
from soak.server import JSON, Server, work
from soak.sockets import connect, http_request

STREAM = "/api/v1/task/server-streaming-work"


@dataclass(frozen=True, kw_only=True)
class KeepAlive(Scenario):
    """Connections that stay open for thousands of requests, also those that pause or send ahead, are served to the end."""

    name = "keep-alive"

    connections: int = option(24, short=8, help="connections over each protocol")
    requests: int = option(400, short=40, help="requests of each connection")
    pauses: int = option(3, short=1, help="pauses of each connection")
    pause: float = option(3, short=0.5, help="seconds of a pause; HTTP connections may be closed after 5")

    def run(self, stage: Stage) -> None:
        server = stage.serve()
        channel = server.channel()
        call = Interface(channel)["WorkTaskPredict"]
        before = server.resources()

        def client(index: int) -> None:
            if index % 3 == 0:
                self._keep(stage, server, index)
            elif index % 3 == 1:
                self._send_ahead(stage, server, index)
            else:
                for number in self._numbers(index):
                    text = f"{index}-{number}"
                    answer = call.open(channel)(call.message(text=text), metadata=model("worker"), timeout=30)
                    stage.check(call.read(answer).text == text, "a wrong answer over gRPC")
                    stage.count("gRPC answers")

        stage.in_threads(2 * self.connections, client)
        channel.close()
        until(lambda: server.resources().other_files <= before.other_files + 2, 8, every=0.3)
        after = server.resources()
        stage.fact("before -> after", before.grown_to(after))
        stage.check(
            after.other_files <= before.other_files + 4, f"files grew from {before.files} to {after.files}"
        )
        stage.check(after.requests == 0, "requests are still counted as running")
        stage.check(after.megabytes <= before.megabytes + 16, "memory grew")
        stage.stop(server)

    def _numbers(self, seed: int) -> Iterator[int]:
        chance = random.Random(seed)
        rests = set(chance.sample(range(1, self.requests), self.pauses))
        for number in range(self.requests):
            if number in rests:
                time.sleep(self.pause)
            yield number

    def _keep(self, stage: Stage, server: Server, index: int) -> None:
        connection = server.connection()
        connection.connect()
        first = connection.sock
        for number in self._numbers(index):
            text = f"{index}-{number}"
            path, body = "/api/v1/task/work", work(text)
            if number % 10 == 9:
                # A mistake, too, leaves the connection usable.
                path, body = ("/nowhere", body) if number % 20 == 9 else (path, work(text, nonsense=1))
            connection.request("POST", path, json.dumps(body), JSON)
            response = connection.getresponse()
            answer = response.read()
            expected = (404 if path == "/nowhere" else 422) if number % 10 == 9 else 200
            right = response.status == expected and (expected != 200 or text.encode() in answer)
            stage.check(right, f"a kept connection got {response.status} {answer[:100]!r}")
            stage.count("HTTP answers")
        stage.check(connection.sock is first, "a kept connection was closed")
        connection.close()

    def _send_ahead(self, stage: Stage, server: Server, index: int) -> None:
        with connect(server.http_address) as client:
            file = client.makefile("rb")
            numbers = self._numbers(index)
            while group := list(itertools.islice(numbers, 5)):
                texts = [f"{index}-{number}" for number in group]
                client.sendall(b"".join(http_request("/api/v1/task/work", work(text)) for text in texts))
                for text in texts:
                    answer = _read_answer(file)
                    stage.check(text.encode() in answer, f"a request sent ahead got {answer[:100]!r}")
                    stage.count("HTTP answers to requests sent ahead")
            file.close()


@dataclass(frozen=True, kw_only=True)
class SlowReaders(Scenario):
    """Streams that are read slowly are complete and in order, take little memory, and hold nobody else."""

    name = "slow-readers"

    streams: int = option(64, short=16, help="streams at the same time, half of them over each protocol")
    items: int = option(400, short=80, help="items of a stream")
    pad: int = option(4000, short=4000, help="bytes of an item")
    seconds: float = option(12, short=1.5, help="seconds that a client takes to read its stream")
    megabytes: float = option(64, short=48, help="growth of memory that is allowed while they read")

    def run(self, stage: Stage) -> None:
        server = stage.serve()
        before = server.resources()
        reading = threading.Event()
        peak, times = [before.megabytes], []
        channels = [server.channel() for _ in range(self.streams // 2)]
        interface = Interface(channels[0])

        def others(_: int) -> None:
            while not reading.wait(0.1):
                start = time.monotonic()
                status, _answer = server.post("/api/v1/task/work", work("quick"))
                call = interface["WorkTaskPredict"]
                call.open(channels[0])(call.message(text="quick"), metadata=model("worker"), timeout=20)
                times.append(time.monotonic() - start)
                stage.check(status == 200, f"a quick request got {status}")
                peak.append(server.resources().megabytes)

        watcher = threading.Thread(target=others, args=(0,))
        watcher.start()
        try:
            stage.in_threads(
                self.streams,
                lambda index: (
                    self._over_http(stage, server)
                    if index % 2
                    else self._over_grpc(stage, interface, channels[index // 2])
                ),
            )
        finally:
            reading.set()
            watcher.join()
            for channel in channels:
                channel.close()
        after = server.resources()
        stage.fact("before -> after", before.grown_to(after))
        stage.fact("megabytes at most", f"{max(peak):.0f}")
        stage.fact(
            "quick requests meanwhile, ms (median, most)",
            f"{1000 * percentile(times, 0.5):.0f} {1000 * max(times):.0f}",
        )
        stage.check(max(peak) <= before.megabytes + self.megabytes, f"memory rose to {max(peak):.0f} MB")
        stage.check(max(times) < 4, f"a quick request took {max(times):.1f} s")
        stage.check(after.requests == 0, "requests are still counted as running")
        stage.stop(server)

    def _over_grpc(self, stage: Stage, interface: Interface, channel: grpc.Channel) -> None:
        method = interface["ServerStreamingWorkTaskPredict"]
        request = method.message(text="x", count=self.items, pad=self.pad)
        numbers = []
        for item in method.open(channel)(request, metadata=model("worker"), timeout=60 + 10 * self.seconds):
            numbers.append(method.read(item).number)
            time.sleep(self.seconds / self.items)
        stage.check(numbers == list(range(self.items)), f"gRPC: {len(numbers)} items, or in a wrong order")
        stage.count("gRPC streams")

    def _over_http(self, stage: Stage, server: Server) -> None:
        received = bytearray()
        step = self.items * self.pad // 100
        with connect(server.http_address, buffer=4096, timeout=60) as client:
            content = work("x", count=self.items, pad=self.pad)
            client.sendall(http_request(STREAM, content, close=True))
            while data := client.recv(step):
                received += data
                time.sleep(self.seconds / 100 * len(data) / step)
        numbers = [int(part.partition(b",")[0]) for part in bytes(received).split(b'"number": ')[1:]]
        stage.check(numbers == list(range(self.items)), f"HTTP: {len(numbers)} items, or in a wrong order")
        stage.check(received.endswith(b"0\r\n\r\n"), "an HTTP stream has no end")
        stage.count("HTTP streams")


def _read_answer(file: BinaryIO) -> bytes:
    length = 0
    while line := file.readline().strip():
        if line.lower().startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return file.read(length)
