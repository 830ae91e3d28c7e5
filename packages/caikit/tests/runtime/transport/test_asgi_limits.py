"""Clients that are slow, silent or endless, and servers that end before the answer."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest
from test_asgi import Endpoint, Server, wait_until

from caikit.runtime.transport.uvicorn_server import ConnectionLimits

HASTY = ConnectionLimits(read_seconds=0.3, stall_seconds=0.3, min_body_rate=4, head_bytes=10_000)


def read_all(sock: socket.socket) -> bytes:
    data = b""
    with contextlib.suppress(ConnectionError):
        while chunk := sock.recv(65536):
            data += chunk
    return data


def connect(server: Server, data: bytes) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    sock.sendall(data)
    return sock


@pytest.mark.parametrize("streaming", [False, True])
def test_requests_that_wait_too_long_for_a_worker_are_refused(streaming):
    release, started = threading.Event(), threading.Event()

    def block(context, body):
        started.set()
        return b"%d" % release.wait(10)

    endpoints = {
        "/block": Endpoint(block),
        "/do": Endpoint(lambda context, body: [b"x"], streaming=streaming),
    }
    with Server(endpoints, threads=1, longest_wait=0.2) as server:
        busy = server.connect("/block")
        assert started.wait(5)
        begin = time.monotonic()
        status, text = server.post("/do")
        assert status == 503
        assert b"runtime.max_queue_seconds" in text
        assert 0.15 < time.monotonic() - begin < 2
        assert server.workers.queued == 0
        release.set()
        assert b"200" in busy.recv(1000)
        busy.close()


def test_stream_without_a_reader_ends_and_frees_its_worker():
    started, ended = threading.Event(), threading.Event()

    def serve(context, body):
        started.set()
        try:
            while True:
                yield b"x" * 100_000
        finally:
            ended.set()

    endpoints = {"/many": Endpoint(serve, streaming=True), "/do": Endpoint(lambda context, body: b"fine")}
    with Server(endpoints, threads=1, limits=HASTY) as server:
        sock = server.connect("/many")
        assert started.wait(5)
        assert server.post("/do") == (200, b"fine")
        assert ended.is_set()
        assert len(read_all(sock)) < 50_000_000
        sock.close()


def test_app_alone_frees_the_worker_of_a_stream_without_a_reader():
    token, ended = [], threading.Event()

    def serve(context, body):
        token.append(context.cancel)
        try:
            while True:
                yield b"x" * 100_000
        finally:
            ended.set()

    endpoints = {"/many": Endpoint(serve, streaming=True)}
    with Server(endpoints, threads=1, stall_seconds=0.2) as server:
        sock = server.connect("/many")
        assert ended.wait(5)
        with pytest.raises(Exception, match=r"runtime\.stream_stall_seconds"):
            token[0].raise_if_cancelled()
        sock.close()


def test_slow_reader_is_no_stalled_one():
    body = b"x" * 30_000_000
    with Server({"/do": Endpoint(lambda context, _: body)}, limits=HASTY) as server:
        sock = server.connect("/do")
        received = 0
        begin = time.monotonic()
        while received < len(body):
            received += len(sock.recv(1_000_000))
            if time.monotonic() - begin < 1.5:
                time.sleep(0.05)
        sock.close()


def test_headers_without_end_are_refused():
    with Server({"/do": Endpoint(lambda context, body: b"fine")}, limits=HASTY) as server:
        sock = connect(server, b"POST /do HTTP/1.1\r\n")
        time.sleep(0.05)
        with contextlib.suppress(ConnectionError):
            for _ in range(20):
                sock.sendall(b"x" * 1000)
                time.sleep(0.005)
        assert b"431" in read_all(sock)[:20]
        sock.close()
        assert server.post("/do") == (200, b"fine")


@pytest.mark.parametrize(
    "begun",
    [b"POST /d", b"POST /do HTTP/1.1\r\nhost: x\r\n", b"POST /do HTTP/1.1\r\ncontent-length: 9\r\n\r\nabc"],
    ids=["line", "headers", "body"],
)
def test_incomplete_requests_are_ended(begun):
    with Server({"/do": Endpoint(lambda context, body: b"fine")}, limits=HASTY) as server:
        sock = connect(server, begun)
        answer = read_all(sock)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"runtime.request_read_seconds" in answer
        sock.close()


def test_headers_that_drip_are_ended_too():
    with Server({"/do": Endpoint(lambda context, body: b"fine")}, limits=HASTY) as server:
        sock = connect(server, b"POST /do HTTP/1.1\r\n")

        def drip():
            for _ in range(100):
                sock.sendall(b"x")
                time.sleep(0.05)

        with pytest.raises(ConnectionError):
            drip()
        sock.close()


def test_body_that_keeps_coming_is_waited_for():
    with Server({"/do": Endpoint(lambda context, body: body)}, limits=HASTY) as server:
        sock = connect(server, b"POST /do HTTP/1.1\r\nconnection: close\r\ncontent-length: 10\r\n\r\n")
        for _ in range(10):
            time.sleep(0.12)
            sock.sendall(b"x")
        assert read_all(sock).endswith(b"x" * 10)
        sock.close()


def test_body_that_only_drips_is_not_waited_for():
    limits = ConnectionLimits(read_seconds=0.3, min_body_rate=100)
    with Server({"/do": Endpoint(lambda context, body: body)}, limits=limits) as server:
        sock = connect(server, b"POST /do HTTP/1.1\r\ncontent-length: 1000\r\n\r\n")
        sock.settimeout(0.05)
        answer = b""
        for _ in range(100):
            sock.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                answer = sock.recv(10_000)
                break
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"runtime.http.min_body_rate" in answer
        sock.close()


def test_large_bodies_are_bounded_in_sum():
    """Those that fit are served; the one that does not is told to come again, and its bytes are given back."""
    release, started = threading.Event(), threading.Event()

    def serve(context, body):
        started.set()
        return b"%d" % (release.wait(10) and len(body))

    with Server({"/do": Endpoint(serve)}, max_held_bytes=1_000_000) as server:
        budget = server.gate.bytes_held
        first = server.connect("/do", b"x" * 700_000)
        assert started.wait(5)
        assert budget.held == 700_000
        status, text = server.post("/do", b"x" * 400_000)
        assert status == 503
        assert b"runtime.max_held_request_bytes" in text
        second = server.connect("/do", b"x" * 250_000)
        wait_until(lambda: budget.held == 950_000)
        release.set()
        assert first.recv(10_000).endswith(b"700000")
        assert second.recv(10_000).endswith(b"250000")
        assert server.post("/do", b"x" * 900_000) == (200, b"900000")
        wait_until(lambda: budget.held == 0)
        for sock in (first, second):
            sock.close()


def test_clients_that_leave_in_the_middle_of_a_body_hold_nothing():
    with Server({"/do": Endpoint(lambda context, body: body)}) as server:
        sock = connect(server, b"POST /do HTTP/1.1\r\ncontent-length: 1000000\r\n\r\n" + b"x" * 500_000)
        wait_until(lambda: server.gate.bytes_held.held >= 400_000)
        sock.close()
        wait_until(lambda: server.gate.bytes_held.held == 0)


def test_large_bodies_are_refused_before_they_are_read():
    with Server({"/do": Endpoint(lambda context, body: body)}) as server:
        server.gate.drain()
        sock = connect(server, b"POST /do HTTP/1.1\r\ncontent-length: 1000000\r\n\r\n" + b"x" * 1000)
        assert read_all(sock).startswith(b"HTTP/1.1 503")
        sock.close()


def test_connection_that_is_never_used_is_closed():
    with Server({}, limits=HASTY) as server:
        sock = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        assert sock.recv(100) == b""
        sock.close()


def test_long_work_is_no_slow_client():
    def serve(context, body):
        time.sleep(1.2)
        return b"done"

    with Server({"/do": Endpoint(serve)}, limits=HASTY) as server:
        assert server.post("/do") == (200, b"done")


@pytest.mark.parametrize("streaming", [False, True])
def test_requests_that_are_not_done_at_the_end_are_told_so(streaming, caplog):
    started, release = threading.Event(), threading.Event()

    def serve(context, body):
        context.cancel.on_cancel(release.set)
        started.set()
        release.wait(10)
        return b"late"

    def serve_stream(context, body):
        yield b"first;"
        serve(context, body)

    endpoint = Endpoint(serve_stream if streaming else serve, streaming=streaming)
    with Server({"/do": endpoint}) as server:
        sock = server.connect("/do")
        assert started.wait(5)
        server.server.stop(0.1)
        answer = read_all(sock)
        assert b"The server was stopped before the answer was complete" in answer
        assert answer.startswith(b"HTTP/1.1 200 " if streaming else b"HTTP/1.1 503 ")
        assert answer.endswith(b"0\r\n\r\n") == streaming
        assert release.is_set()
        sock.close()
    assert "Exception in ASGI" not in caplog.text


def test_incomplete_body_does_not_hold_the_shutdown(caplog):
    with Server({"/do": Endpoint(lambda context, body: b"")}) as server:
        sock = connect(server, b"POST /do HTTP/1.1\r\ncontent-length: 9\r\n\r\nabc")
        time.sleep(0.1)
        begin = time.monotonic()
        server.server.stop(8)
        assert read_all(sock).startswith(b"HTTP/1.1 503 ")
        assert server.server.join(5)
        assert time.monotonic() - begin < 3
        sock.close()
    assert "Exception in ASGI" not in caplog.text


def test_clients_of_slow_calls_that_leave_are_noticed():
    waits = []

    def serve(context, body):
        gone = threading.Event()
        context.cancel.on_cancel(gone.set)
        waits.append(gone)
        gone.wait(10)
        return b""

    with Server({"/do": Endpoint(serve)}) as server:
        socks = [server.connect("/do") for _ in range(3)]
        wait_until(lambda: len(waits) == 3)
        time.sleep(0.05)
        for sock in socks:
            sock.close()
        wait_until(lambda: all(gone.is_set() for gone in waits))
