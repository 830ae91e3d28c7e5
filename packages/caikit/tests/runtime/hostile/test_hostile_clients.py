from __future__ import annotations

import contextlib
import json
import socket
import struct
import sys
import threading
import time
from collections import Counter

import grpc
import pytest
import wire

SERVICE = "/caikit.runtime.GoldenLib.GoldenLibService/"
METADATA = (("mm-model-id", "greeter"),)
SMALL_POOL = {"runtime": {"server_thread_pool_size": 4, "max_queued_requests": 8}}
ENDLESS = 10**7
ANN = {"model_id": "greeter", "inputs": {"name": "Ann"}}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts threads and files in /proc")


def http_request(path: str, content: object) -> bytes:
    body = json.dumps(content).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def greet(sleep: float = 0.0) -> bytes:
    content = {"model_id": "greeter", "inputs": {"name": "Ann"}, "parameters": {"sleep": sleep}}
    return http_request("/api/v1/task/greet", content)


def stream(count: int) -> bytes:
    content = {"model_id": "greeter", "inputs": {"name": "Ann"}, "parameters": {"count": count}}
    return http_request("/api/v1/task/server-streaming-greet", content)


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def assert_settles(server, threads: int, files: int) -> None:
    """Threads and files go back to what they were, but for pools and open channels; workers are free again."""
    end = time.monotonic() + 10
    while True:
        served = (
            server.post("/api/v1/task/greet", ANN)[0],
            server.call("GreetTaskPredict", wire.greeting())[0],
        )
        now_threads, now_files = server.resources()
        # A worker that waits has a file.
        most_files = files + 4 + max(0, now_threads - threads)
        if served == (200, "OK") and now_threads <= threads + 8 and now_files <= most_files:
            return
        if time.monotonic() > end:
            pytest.fail(
                f"{threads} threads, {files} files became {now_threads}, {now_files}; served: {served}"
            )
        time.sleep(0.05)


@pytest.fixture
def small_server(start_server):
    server = start_server(SMALL_POOL)
    for _ in range(8):
        server.assert_well()
    return server


def test_http_clients_that_leave_before_the_answer(small_server):
    before = small_server.resources()
    for index in range(150):
        whole = greet(0.01)
        client = small_server.connect(whole if index % 2 else whole[: index + 1])
        reset(client) if index % 3 else client.close()

    assert_settles(small_server, *before)


def test_http_clients_that_leave_in_the_middle_of_a_stream(small_server):
    before = small_server.resources()
    for index in range(60):
        client = small_server.connect(stream(ENDLESS))
        if index % 3:
            client.recv(100)
        reset(client) if index % 2 else client.close()

    assert_settles(small_server, *before)


def test_grpc_clients_that_leave(small_server):
    before = small_server.resources()
    with small_server.channel() as channel:
        unary = channel.unary_unary(SERVICE + "GreetTaskPredict")
        calls = [unary.future(wire.greeting(sleep=0.2), metadata=METADATA, timeout=5) for _ in range(40)]
        late = [unary.future(wire.greeting(sleep=0.2), metadata=METADATA, timeout=0.05) for _ in range(40)]
        for call in calls:
            call.cancel()
        codes = {call.code().name for call in late}
    for index in range(30):
        with small_server.channel() as channel:
            request = wire.greeting() + wire.integer(2, ENDLESS)
            items = channel.unary_stream(SERVICE + "ServerStreamingGreetTaskPredict")(
                request, metadata=METADATA
            )
            if index % 2:
                # a refusal is as good as an item
                with contextlib.suppress(grpc.RpcError):
                    next(items)

    assert codes <= {"DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"}
    assert_settles(small_server, *before)


def test_overload_is_refused_early_and_health_answers(small_server):
    seen: Counter[str] = Counter()
    slowest_refusal, slowest_health = 0.0, 0.0
    end = time.monotonic() + 1.5

    def over_http():
        nonlocal slowest_refusal
        content = {"model_id": "greeter", "inputs": {"name": "Ann"}, "parameters": {"sleep": 0.05}}
        while time.monotonic() < end:
            start = time.monotonic()
            status, _ = small_server.post("/api/v1/task/greet", content)
            seen[f"http {status}"] += 1
            if status != 200:
                slowest_refusal = max(slowest_refusal, time.monotonic() - start)
                time.sleep(0.05)

    def over_grpc():
        while time.monotonic() < end:
            code, _ = small_server.call("GreetTaskPredict", wire.greeting(sleep=0.05))
            seen[f"grpc {code}"] += 1
            if code != "OK":
                time.sleep(0.05)

    threads = [threading.Thread(target=over_http if i % 2 else over_grpc) for i in range(40)]
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        start = time.monotonic()
        assert small_server.request("GET", "/health")[0] == 200
        assert small_server.call("/grpc.health.v1.Health/Check", b"")[0] == "OK"
        slowest_health = max(slowest_health, time.monotonic() - start)
        time.sleep(0.1)
    for thread in threads:
        thread.join()

    assert set(seen) == {"http 200", "http 429", "grpc OK", "grpc RESOURCE_EXHAUSTED"}, seen
    assert slowest_refusal < 1
    assert slowest_health < 1
    small_server.assert_well()


def test_silent_grpc_clients_do_not_stop_http(small_server):
    release = threading.Event()

    def nothing():
        release.wait(10)
        yield from ()

    channels = [small_server.channel() for _ in range(12)]
    calls = [
        channel.stream_stream(SERVICE + "BidiStreamingGreetTaskPredict")(nothing(), metadata=METADATA)
        for channel in channels
    ]
    time.sleep(0.5)
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(small_server.post("/api/v1/task/greet", ANN)[0]))
    thread.start()
    thread.join(3)
    in_time = list(answers)
    release.set()
    for call, channel in zip(calls, channels, strict=True):
        call.cancel()
        channel.close()
    thread.join()

    assert in_time == [200]
