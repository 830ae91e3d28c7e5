"""Streamed input over HTTP: bodies of lines, read while they come."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from caikit.runtime.engine import Engine, Gate, Observer, WorkerPool
from caikit.runtime.engine.byte_budget import ByteBudget
from caikit.runtime.heads.http import HttpHead
from caikit.runtime.transport.asgi import AsgiApp
from caikit.runtime.transport.native import HttpService, Limits, NativeServer
from caikit.runtime.transport.uvicorn_server import ConnectionLimits, UvicornServer

HEADERS = {"content-type": "application/x-ndjson"}


class Connection:
    """A client that sends and reads when it likes."""

    def __init__(self, port: int, path: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\n"
        self.socket.sendall(head.encode() + b"transfer-encoding: chunked\r\n\r\n")
        self.received = b""

    def send(self, *lines: object) -> None:
        data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        self.send_bytes(data)

    def send_bytes(self, data: bytes) -> None:
        self.socket.sendall(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        self.socket.sendall(b"0\r\n\r\n")

    def read_until(self, text: bytes) -> bytes:
        while text not in self.received:
            chunk = self.socket.recv(65536)
            assert chunk, self.received
            self.received += chunk
        return self.received

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def start(kit, transport) -> Iterator[Callable[..., SimpleNamespace]]:
    """Starts servers; `connect` opens a connection with a request whose body is still to come."""
    with contextlib.ExitStack() as stack:

        def start_server(**settings) -> SimpleNamespace:
            workers = WorkerPool(4)
            gate = Gate(workers, bytes_held=ByteBudget(settings.pop("max_held_bytes", None)))
            engine = Engine(gate=gate, observer=Observer())
            head = HttpHead(engine, kit.operations, title="Tests", version="1", description="")
            read_seconds = settings.pop("read_seconds", 20)
            listener = socket.create_server(("127.0.0.1", 0))
            port = listener.getsockname()[1]
            if transport == "native":
                service = HttpService(head, workers=workers, gate=gate, **settings)
                server: Any = NativeServer(http=service, limits=Limits(read_seconds=read_seconds))
                server.add_socket(listener)
            else:
                app = AsgiApp(head, workers=workers, gate=gate, **settings)
                limits = ConnectionLimits(read_seconds=read_seconds)
                server = UvicornServer(app, listener, limits=limits)
            server.start()

            def connect(path: str) -> Connection:
                connection = Connection(port, path)
                stack.callback(connection.close)
                return connection

            def stop() -> None:
                server.stop(1)
                assert server.join(5)
                assert workers.close(5)

            stack.callback(stop)
            return SimpleNamespace(connect=connect, workers=workers, gate=gate)

        yield start_server


def wait_until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


FIRST = {"model_id": "m", "inputs": "a"}


async def test_one_answer_to_many_lines(client):
    first = {**FIRST, "parameters": {"times": 3, "point": {"x": 1, "label": "p"}}}
    body = lines(first, {"inputs": "b"}) + b"\n  \r\n" + lines({"inputs": "c"}).rstrip()
    response = await client.post("/task/join", content=body, headers=HEADERS)
    assert response.status_code == 200
    assert response.json()["seen"] == {
        "model": "m",
        "texts": ["a", "b", "c"],
        "times": 3,
        "point": 'Point:{"x": 1, "label": "p"}',
    }


async def test_events_for_many_lines(client):
    response = await client.post("/task/echo", content=lines(FIRST, {"inputs": "b"}), headers=HEADERS)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.text == (
        'event: message\r\ndata: {"seen": {"text": "a"}}\r\n\r\n'
        'event: message\r\ndata: {"seen": {"text": "b"}}\r\n\r\n'
    )


async def test_the_first_line_chooses_the_model(client):
    body = lines(FIRST, {"model_id": "other", "inputs": "b"})
    response = await client.post("/task/join", content=body, headers=HEADERS)
    assert response.json()["seen"]["model"] == "m"


@pytest.mark.parametrize("path", ["/task/join", "/task/echo"])
@pytest.mark.parametrize(
    ("body", "status", "details"),
    [
        (b"", 400, "The request stream is empty: expected at least one line"),
        (b"\n\n", 400, "The request stream is empty: expected at least one line"),
        (lines({"inputs": "a"}), 400, "Please provide model_id in payload"),
        (lines({**FIRST, "inputs": 5}), 422, "Input should be a valid string at line.1.inputs"),
        (lines({**FIRST, "more": 5}), 422, "Extra inputs are not permitted at line.1.more"),
        (b"{]\n", 422, None),
    ],
)
async def test_first_line_that_does_not_fit(client, path, body, status, details):
    response = await client.post(path, content=body, headers=HEADERS)
    if path == "/task/echo" and status == 400:
        assert f'"details": "{details}", "code": 400' in response.text
        return
    assert response.status_code == status
    assert details is None or response.json()["details"] == details


async def test_later_line_that_does_not_fit(client):
    body = lines(FIRST, {"inputs": "b"}, {"inputs": [1]})
    response = await client.post("/task/join", content=body, headers=HEADERS)
    assert response.status_code == 422
    assert response.json()["additional_info"][0]["loc"] == ["line", 3, "inputs"]
    response = await client.post("/task/echo", content=body, headers=HEADERS)
    frames = response.text.split("\r\n\r\n")
    assert frames[2].startswith(
        'event: error\r\ndata: {"details": "Input should be a valid string at line.3.inputs", "code": 422'
    )


@pytest.mark.parametrize("path", ["/task/join", "/task/show"])
async def test_other_bodies_are_not_taken(client, path):
    given = {"/task/join": "application/json", "/task/show": "application/x-ndjson"}[path]
    response = await client.post(path, content=lines(FIRST), headers={"content-type": given})
    assert response.status_code == 415
    encoded = {**HEADERS, "content-encoding": "gzip"}
    assert (await client.post("/task/join", content=b"", headers=encoded)).status_code == 415


def test_answers_come_while_lines_are_sent(start):
    connection = start().connect("/task/echo")
    connection.send(FIRST)
    for text in ("b", "c"):
        connection.read_until(b'{"text": "a"}')
        connection.send({"inputs": text})
        connection.read_until(b'{"text": "%b"}' % text.encode())
    connection.end()
    connection.read_until(b"\r\n0\r\n\r\n")


def test_lines_may_come_in_pieces(start):
    connection = start().connect("/task/join")
    for byte in lines(FIRST, {"inputs": "b" * 10}):
        connection.send_bytes(bytes([byte]))
    connection.end()
    assert b'"texts": ["a", "bbbbbbbbbb"]' in connection.read_until(b"}}")


def test_an_answer_before_the_end_closes_the_connection(start):
    connection = start().connect("/task/join")
    connection.send(FIRST, {"inputs": "enough"})
    answer = connection.read_until(b"}}")
    assert b"connection: close" in answer
    assert b'"texts": ["a"]' in answer


def test_a_model_that_does_not_read_slows_its_client_down(start):
    """What is sent ahead is bounded, however much the client has to say."""
    server = start()
    connection = server.connect("/task/echo")
    connection.send(FIRST, {"inputs": "many"})
    connection.socket.settimeout(1.0)
    sent = 0
    with contextlib.suppress(TimeoutError):
        for _ in range(400):
            connection.send({"inputs": "x" * 100_000})
            sent += 100_000
    assert sent < 20_000_000
    connection.close()
    wait_until(lambda: server.workers.running == 0)


@pytest.mark.parametrize("path", ["/task/join", "/task/echo"])
def test_clients_that_leave_free_their_worker(start, path):
    server = start()
    connection = server.connect(path)
    connection.send(FIRST)
    wait_until(lambda: server.workers.running == 1)
    connection.close()
    wait_until(lambda: server.workers.running == 0)


def test_clients_that_send_nothing_are_given_up(start):
    server = start(stall_seconds=0.3, read_seconds=0.2)
    connection = server.connect("/task/join")
    connection.send(FIRST)
    for _ in range(8):
        time.sleep(0.1)
        connection.send_bytes(b"\n")
    assert server.workers.running == 1
    answer = connection.read_until(b"}")
    assert answer.startswith(b"HTTP/1.1 504")
    assert b"runtime.stream_stall_seconds" in answer
    # Before the first line no worker is needed.
    silent = server.connect("/task/join")
    time.sleep(0.1)
    assert server.workers.running == 0
    assert silent.socket.recv(100).startswith(b"HTTP/1.1 504")


def test_long_lines_are_bounded(start):
    server = start(max_body_size=200_000, max_held_bytes=500_000)
    connection = server.connect("/task/join")
    connection.send(FIRST, {"inputs": "x" * 150_000}, {"inputs": "y" * 150_000})
    with contextlib.suppress(ConnectionError):
        for _ in range(10):
            connection.send_bytes(b"z" * 50_000)
    answer = connection.read_until(b"}")
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"longer than 200000 bytes (runtime.http.max_body_size)" in answer
    wait_until(lambda: server.gate.bytes_held.held == 0)


def test_lines_that_are_not_complete_count_as_memory(start):
    server = start(max_held_bytes=500_000)
    connections = [server.connect("/task/join") for _ in range(3)]
    for connection in connections:
        connection.send(FIRST)
        connection.send_bytes(b'{"inputs": "' + b"x" * 200_000)
        time.sleep(0.05)
    answer = connections[2].read_until(b"}")
    assert answer.startswith(b"HTTP/1.1 429")
    assert b"runtime.max_held_request_bytes" in answer
    for connection in connections[:2]:
        connection.send_bytes(b'"}')
        connection.end()
        connection.read_until(b'x"]')
    wait_until(lambda: server.gate.bytes_held.held == 0)


def test_many_streams_leave_nothing_behind(start):
    server = start()
    before = threading.active_count()
    for number in range(40):
        connection = server.connect("/task/echo")
        connection.send(FIRST, {"inputs": "fail" if number % 3 == 0 else "b"})
        if number % 2:
            connection.read_until(b"data: ")
        connection.close()
    wait_until(lambda: server.workers.running == 0 and server.gate.bytes_held.held == 0)
    # Four workers, and the thread that looks after their line.
    wait_until(lambda: threading.active_count() <= before + 5)


async def test_openapi(client):
    document = (await client.get("/openapi.json")).json()
    body = document["paths"]["/task/echo"]["post"]["requestBody"]
    assert list(body["content"]) == ["application/x-ndjson"]
    line = body["content"]["application/x-ndjson"]["schema"]["x-line"]
    assert set(line["properties"]) == {"inputs", "parameters", "model_id"}
    answers = document["paths"]["/task/echo"]["post"]["responses"]
    assert list(answers["200"]["content"]) == ["text/event-stream"]


def test_overload_is_refused(start):
    server = start()
    server.gate.drain()
    connection = server.connect("/task/echo")
    connection.send(FIRST)
    assert connection.read_until(b"}").startswith(b"HTTP/1.1 503")


async def test_httpx_sends_a_generator(client):
    async def body():
        yield lines(FIRST)
        yield lines({"inputs": "b"})

    response = await client.post("/task/join", content=body(), headers=HEADERS)
    assert response.json()["seen"]["texts"] == ["a", "b"]
    assert isinstance(response, httpx.Response)


def test_only_that_connection_is_closed(start):
    server = start()
    connection = server.connect("/task/join")
    connection.send(FIRST, {"inputs": "enough"})
    assert b"connection: close" in connection.read_until(b"}}")
    connection = server.connect("/task/join")
    connection.send(FIRST)
    connection.end()
    assert b"connection: close" not in connection.read_until(b"}}")
