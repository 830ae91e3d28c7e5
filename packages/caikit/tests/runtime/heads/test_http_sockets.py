"""Streamed input over HTTP: conversations over WebSocket."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from starlette.requests import Request as StarletteRequest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_socket

from caikit.runtime.engine import (
    Engine,
    Gate,
    Observer,
    Shape,
    WorkerPool,
)
from caikit.runtime.engine.byte_budget import ByteBudget
from caikit.runtime.heads.http import HttpHead
from caikit.runtime.transport.asgi import AsgiApp
from caikit.runtime.transport.native import HttpService, NativeServer
from caikit.runtime.transport.uvicorn_server import ConnectionLimits, UvicornServer

FIRST = {"model_id": "m", "inputs": "a"}
JOIN, ECHO = "/task/join", "/task/echo"
TRANSPORTS = ["standard", "native"]


class Socket:
    """A client, by the library."""

    def __init__(self, client: ClientConnection) -> None:
        self.client = client

    def send(self, *inputs: object) -> None:
        for each in inputs:
            self.client.send(json.dumps(each))

    def end(self) -> None:
        self.client.send("")

    def read(self) -> Any:
        return json.loads(self.client.recv(timeout=10))

    def read_end(self) -> tuple[int, str]:
        """Code and reason of the server's close."""
        with pytest.raises(ConnectionClosed) as caught:
            self.client.recv(timeout=10)
        assert caught.value.rcvd is not None, "the connection was lost"
        return caught.value.rcvd.code, caught.value.rcvd.reason

    def close(self) -> None:
        self.client.close()

    def vanish(self) -> None:
        """End the connection without a word."""
        with contextlib.suppress(OSError):
            self.client.socket.shutdown(socket.SHUT_RDWR)


class Wire:
    """A client that says what it likes, frame by frame."""

    def __init__(self, port: int, path: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            "Host: x",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
        ]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.received = b""
        while b"\r\n\r\n" not in self.received:
            self.received += self.socket.recv(1)
        assert self.received.startswith(b"HTTP/1.1 101")

    def send(self, opcode: int, data: bytes = b"", *, last: bool = True) -> None:
        self.socket.sendall(frame(opcode, data, last=last))

    def read(self) -> tuple[int, bytes]:
        head = self._read_exactly(2)
        size = head[1]
        if size == 126:
            size = struct.unpack("!H", self._read_exactly(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self._read_exactly(8))[0]
        return head[0] & 15, self._read_exactly(size)

    def _read_exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            chunk = self.socket.recv(size - len(data))
            assert chunk, "the connection was closed"
            data += chunk
        return data

    def read_close(self) -> int:
        while (message := self.read())[0] != 8:
            pass
        return int.from_bytes(message[1][:2], "big")

    def close(self) -> None:
        self.socket.close()


TEXT, BINARY, CLOSE, PING, PONG, MORE = 1, 2, 8, 9, 10, 0


def frame(opcode: int, data: bytes = b"", *, last: bool = True) -> bytes:
    size = bytes([0x80 | min(len(data), 127)])
    if len(data) > 65535:
        size = b"\xff" + struct.pack("!Q", len(data))
    elif len(data) > 125:
        size = b"\xfe" + struct.pack("!H", len(data))
    # A mask of zeros changes nothing.
    return bytes([opcode | (0x80 if last else 0)]) + size + b"\0\0\0\0" + data


class Server:
    """A server of the operations, on a free port."""

    def __init__(
        self, kit: Any, transport: str, operations: list[Any] | None = None, **settings: Any
    ) -> None:
        self.workers = WorkerPool(settings.pop("threads", 4), longest_wait=settings.pop("longest_wait", None))
        budget = ByteBudget(settings.pop("max_held_bytes", None))
        self.gate = Gate(self.workers, bytes_held=budget, max_queued=settings.pop("max_queued", 100))
        engine = Engine(gate=self.gate, observer=Observer())
        self.head = HttpHead(engine, operations or kit.operations, title="Tests", version="1", description="")
        stall = settings.get("stall_seconds", 60.0)
        size = settings.setdefault("max_body_size", 1_000_000)
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.app = AsgiApp(self.head, workers=self.workers, gate=self.gate, **settings)
        if transport == "native":
            service = HttpService(self.head, workers=self.workers, gate=self.gate, **settings)
            self.server: Any = NativeServer(http=service)
            self.server.add_socket(listener)
        else:
            limits = ConnectionLimits(stall_seconds=stall, message_bytes=size, bytes_held=budget)
            self.server = UvicornServer(self.app, listener, limits=limits)
        self.server.start()

    def stop(self, grace: float = 1.0) -> None:
        self.gate.drain()
        self.server.stop(grace)
        assert self.server.join(grace + 5)
        assert self.workers.close(5)

    def is_idle(self) -> bool:
        return self.workers.running == 0 and self.gate.bytes_held.held == 0


@pytest.fixture(params=TRANSPORTS)
def start(kit, request) -> Iterator[Callable[..., Server]]:
    with contextlib.ExitStack() as stack:

        def start_server(**settings: Any) -> Server:
            server = Server(kit, request.param, **settings)
            stack.callback(server.stop)
            return server

        yield start_server


@pytest.fixture
def connect() -> Iterator[Callable[..., Socket]]:
    with contextlib.ExitStack() as stack:

        def connect_client(server: Server, path: str, **options: Any) -> Socket:
            url = f"ws://127.0.0.1:{server.port}{path}"
            connecting = connect_socket(url, open_timeout=10, close_timeout=2, **options)
            return Socket(stack.enter_context(connecting))

        yield connect_client


@pytest.fixture
def wire() -> Iterator[Callable[..., Wire]]:
    with contextlib.ExitStack() as stack:

        def connect_wire(server: Server, path: str) -> Wire:
            client = Wire(server.port, path)
            stack.callback(client.close)
            return client

        yield connect_wire


def wait_until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


# Shapes


def test_one_answer_to_many_messages(start, connect):
    client = connect(start(), JOIN)
    client.send({**FIRST, "parameters": {"times": 3}}, {"inputs": "b"}, {"inputs": "c"})
    client.end()
    assert client.client.recv(timeout=10) == (
        '{"seen": {"model": "m", "texts": ["a", "b", "c"], "times": 3}}'
    )
    assert client.read_end() == (1000, "")


def test_answers_come_while_messages_are_sent(start, connect):
    client = connect(start(), ECHO)
    client.send(FIRST)
    assert client.read() == {"seen": {"text": "a"}}
    for text in ("b", "c"):
        client.send({"inputs": text})
        assert client.read() == {"seen": {"text": text}}
    client.end()
    assert client.read_end() == (1000, "")


def test_other_forms_of_messages(start, connect):
    client = connect(start(), JOIN)
    client.client.send(json.dumps(FIRST).encode())
    client.client.send("  \n ")
    client.client.send(json.dumps({"inputs": "ü"}, indent=2, ensure_ascii=False))
    client.client.send(['{"inp', 'uts": ', '"in pieces"}'])
    client.client.send(b"")
    assert client.read()["seen"]["texts"] == ["a", "ü", "in pieces"]
    assert client.read_end()[0] == 1000


def test_an_answer_before_the_end_closes(start, connect):
    client = connect(start(), JOIN)
    client.send(FIRST, {"inputs": "enough"})
    assert client.read()["seen"]["texts"] == ["a"]
    assert client.read_end()[0] == 1000


def test_large_messages(start, connect):
    client = connect(start(max_body_size=3_000_000), ECHO, max_size=None)
    text = "x" * 2_000_000
    client.send(FIRST, {"inputs": text})
    client.end()
    assert client.read() == {"seen": {"text": "a"}}
    assert client.read() == {"seen": {"text": text}}
    assert client.read_end()[0] == 1000


def test_many_messages(start, connect):
    client = connect(start(), ECHO)
    count = 2000

    def talk() -> None:
        client.send(FIRST, *({"inputs": str(number)} for number in range(count)))
        client.end()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(talk)
        assert client.read() == {"seen": {"text": "a"}}
        assert [client.read()["seen"]["text"] for _ in range(count)] == [str(n) for n in range(count)]
    assert client.read_end()[0] == 1000


def test_many_at_the_same_time(start, connect):
    server = start(threads=8)

    def talk(number: int) -> list[Any]:
        client = connect(server, (JOIN, ECHO)[number % 2])
        client.send({"model_id": "m", "inputs": f"a{number}"}, {"inputs": "b"})
        client.end()
        answers = []
        with contextlib.suppress(ConnectionClosed):
            while True:
                answers.append(client.read()["seen"])
        return answers

    with ThreadPoolExecutor(50) as pool:
        results = list(pool.map(talk, range(50)))
    for number, seen in enumerate(results):
        if number % 2:
            assert seen == [{"text": f"a{number}"}, {"text": "b"}]
        else:
            assert seen == [{"model": "m", "texts": [f"a{number}", "b"]}]
    wait_until(server.is_idle)


# What goes wrong


@pytest.mark.parametrize("path", [JOIN, ECHO])
@pytest.mark.parametrize(
    ("first", "code", "details"),
    [
        (b"", 400, "The request stream is empty: expected at least one message"),
        ({"inputs": "a"}, 400, "Please provide model_id in payload"),
        ({**FIRST, "inputs": 5}, 422, "Input should be a valid string at message.1.inputs"),
        ({**FIRST, "more": 5}, 422, "Extra inputs are not permitted at message.1.more"),
        (b"{]", 422, None),
        (b"\xff", 422, None),
    ],
)
def test_first_message_that_does_not_fit(start, connect, path, first, code, details):
    client = connect(start(), path)
    client.client.send(first if isinstance(first, bytes) else json.dumps(first))
    answer = client.read()
    assert answer["code"] == code
    assert details is None or answer["details"] == details
    end, reason = client.read_end()
    assert end == 4000 + code
    assert answer["details"].startswith(reason)
    assert 0 < len(reason.encode()) <= 100


def test_later_message_that_does_not_fit(start, connect):
    client = connect(start(), ECHO)
    client.send(FIRST, {"inputs": [1]})
    assert client.read() == {"seen": {"text": "a"}}
    answer = client.read()
    assert answer["additional_info"][0]["loc"] == ["message", 2, "inputs"]
    assert client.read_end() == (4422, "Input should be a valid string at message.2.inputs")


def test_failure_in_the_middle(start, connect):
    client = connect(start(), ECHO)
    client.send(FIRST, {"inputs": "fail"})
    assert client.read() == {"seen": {"text": "a"}}
    answer = client.read()
    assert sorted(answer) == ["code", "details", "id"]
    assert (answer["code"], answer["details"]) == (400, "ValueError('bad value')")
    assert client.read_end() == (4400, "ValueError('bad value')")


def test_messages_after_the_end(start, connect):
    client = connect(start(), ECHO)
    client.send(FIRST, {"inputs": "many"})
    client.end()
    client.send({"inputs": "b"})
    last: dict[str, Any] = {}
    while "details" not in last:
        last = client.read()
    assert client.read_end()[0] == 4400
    assert last["details"] == "The request was given up: a message came after the end of the input"


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/nowhere", 404, "Not Found"),
        ("/task/show", 405, "Method Not Allowed"),
        ("/health", 400, "This path takes no WebSocket"),
    ],
)
def test_paths_that_take_none(start, connect, path, status, detail):
    with pytest.raises(InvalidStatus) as caught:
        connect(start(), path)
    response = caught.value.response
    assert response.status_code == status
    assert json.loads(response.body) == {"detail": detail}
    assert response.headers["content-type"] == "application/json"


def test_refusals_at_the_handshake(start, connect):
    server = start(threads=1, max_queued=0)
    blocked = threading.Event()
    for _ in range(2):
        server.workers.submit(blocked.wait, 10, refuse=print)
    wait_until(lambda: server.workers.queued)
    with pytest.raises(InvalidStatus) as caught:
        connect(server, ECHO)
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["retry-after"] == "1"
    blocked.set()
    server.gate.drain()
    with pytest.raises(InvalidStatus) as caught:
        connect(server, ECHO)
    assert caught.value.response.status_code == 503


def handshake(path: str, host: bytes = b"x") -> bytes:
    key = base64.b64encode(os.urandom(16))
    lines = [
        b"GET %b HTTP/1.1" % path.encode(),
        b"host: " + host,
        b"connection: Upgrade",
        b"upgrade: websocket",
    ]
    return b"\r\n".join([*lines, b"sec-websocket-version: 13", b"sec-websocket-key: " + key, b"", b""])


def test_a_host_that_is_none(start, caplog):
    with socket.create_connection(("127.0.0.1", start().port), timeout=10) as client:
        client.sendall(handshake(JOIN, host=b"\xff.example"))
        assert client.recv(4096).startswith((b"HTTP/1.1 101", b"HTTP/1.1 400"))
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_no_worker_is_free(start, connect):
    server = start(threads=1, longest_wait=0.1)
    blocked = threading.Event()
    server.workers.submit(blocked.wait, 10, refuse=print)
    client = connect(server, ECHO)
    client.send(FIRST)
    assert client.read()["code"] == 429
    assert client.read_end()[0] == 4429
    blocked.set()


def test_the_handshake_answers_with_the_id_of_the_request(start, connect):
    server = start()
    client = connect(server, ECHO, additional_headers={"x-request-id": "mine"})
    assert client.client.response.headers["x-request-id"] == "mine"
    with pytest.raises(InvalidStatus) as caught:
        connect(server, "/nowhere", additional_headers={"x-request-id": "mine"})
    assert caught.value.response.headers["x-request-id"] == "mine"


def test_nothing_is_compressed(start, connect):
    client = connect(start(), ECHO, subprotocols=["other"])
    assert "sec-websocket-extensions" not in client.client.response.headers
    assert client.client.subprotocol is None


def test_a_module_sees_the_request(start, connect, kit):
    def tell(context, messages):
        native = context.native
        assert isinstance(native, StarletteRequest)
        assert list(messages)
        return kit.Answer(
            {
                "header": native.headers["x-who"],
                "url": native.url.path,
                "method": native.method,
                "id": context.request_id,
                "model": context.model_id,
            }
        )

    operations = [kit.make("Tell", tell, Shape.CLIENT_STREAM, http=kit.route("/task/tell"))]
    headers = {"x-who": "me", "x-request-id": "mine"}
    client = connect(start(operations=operations), "/task/tell", additional_headers=headers)
    client.send(FIRST)
    client.end()
    seen = client.read()["seen"]
    assert seen == {"header": "me", "url": "/task/tell", "method": "GET", "id": "mine", "model": "m"}


# Limits


@pytest.mark.parametrize("pieces", [1, 3])
def test_messages_that_are_too_large(start, connect, pieces):
    server = start(max_body_size=100_000)
    client = connect(server, ECHO)
    client.send(FIRST)
    assert client.read() == {"seen": {"text": "a"}}
    with contextlib.suppress(ConnectionClosed):
        client.client.send(["x" * (300_000 // pieces)] * pieces)
    assert client.read_end() == (1009, "A message is larger than 100000 bytes (runtime.http.max_body_size)")
    wait_until(server.is_idle)


def test_text_that_is_none(start, wire):
    server = start()
    client = wire(server, ECHO)
    client.send(TEXT, json.dumps(FIRST).encode())
    assert client.read()[0] == TEXT
    client.send(TEXT, b'{"inputs": "\xff"}')
    assert client.read_close() == 1007
    wait_until(server.is_idle)


@pytest.mark.parametrize("data", [b"\xf1\x80\0\0\0\0", b"\x83\x80\0\0\0\0", b"\x81\x00", frame(MORE, b"x")])
def test_frames_that_are_none(start, wire, data):
    server = start()
    client = wire(server, ECHO)
    client.send(TEXT, json.dumps(FIRST).encode())
    assert client.read()[0] == TEXT
    client.socket.sendall(data)
    assert client.read_close() == 1002
    wait_until(server.is_idle)


@pytest.mark.parametrize(
    "one", [frame(MORE, last=False), frame(PONG), frame(PING)], ids=["piece", "pong", "ping"]
)
def test_a_flood_of_small_frames_leaves_time_for_others(start, wire, one):
    server = start()
    flooded = wire(server, ECHO)
    flooded.socket.sendall(frame(TEXT, b'{"inputs', last=False))
    over = threading.Event()

    def flood() -> None:
        with contextlib.suppress(OSError):
            while not over.is_set():
                flooded.socket.sendall(one * 50_000)

    with ThreadPoolExecutor(1) as pool:
        flooding = pool.submit(flood)
        try:
            for _ in range(5):
                client = wire(server, ECHO)
                client.send(TEXT, json.dumps(FIRST).encode())
                assert client.read()[0] == TEXT
                client.close()
        finally:
            over.set()
            flooded.socket.shutdown(socket.SHUT_RDWR)
        flooding.result(30)


def test_memory_is_bounded_for_all_together(start, wire):
    server = start(max_held_bytes=500_000)
    clients = [wire(server, JOIN) for _ in range(3)]
    for client in clients:
        client.send(TEXT, json.dumps(FIRST).encode())
        client.send(TEXT, b'{"inputs": "' + b"x" * 200_000, last=False)
        time.sleep(0.05)
    assert clients[2].read_close() == 1013
    for client in clients[:2]:
        client.send(MORE, b'"}')
        client.send(TEXT)
        assert client.read()[1].endswith(b'x"]}}')
    wait_until(server.is_idle)


def test_a_client_that_does_not_read_pauses_the_model(start, connect, kit):
    made = []

    def flood(context, messages):
        for number in range(100_000):
            made.append(number)
            yield kit.Answer({"text": "x" * 10_000})

    operations = [kit.make("Flood", flood, Shape.BIDI, http=kit.route("/task/flood"))]
    server = start(operations=operations)
    client = connect(server, "/task/flood", max_queue=1)
    client.send(FIRST)
    client.read()
    before = -1
    while before != len(made):
        before = len(made)
        time.sleep(0.3)
    assert before < 5_000
    assert server.workers.running == 1
    for _ in range(before + 100):
        client.read()
    assert len(made) > before
    client.vanish()
    wait_until(server.is_idle)


def test_a_client_that_leaves_unread_what_was_sent(start, wire, kit):
    """The end of the connection is seen although nothing more can be written to it."""
    made = []

    def flood(context, messages):
        for number in range(100_000):
            made.append(number)
            yield kit.Answer({"text": "x" * 10_000})

    server = start(operations=[kit.make("Flood", flood, Shape.BIDI, http=kit.route("/task/flood"))])
    client = wire(server, "/task/flood")
    client.send(TEXT, json.dumps(FIRST).encode())
    before = -1
    while before != len(made) or not made:
        before = len(made)
        time.sleep(0.3)
    client.socket.shutdown(socket.SHUT_WR)
    wait_until(server.is_idle, 5)


def test_a_client_that_reads_nothing_is_given_up(start, wire):
    server = start(stall_seconds=0.5)
    client = wire(server, ECHO)
    client.send(TEXT, json.dumps(FIRST).encode())
    client.send(TEXT, b'{"inputs": "many"}')
    wait_until(lambda: server.workers.running == 1)
    wait_until(server.is_idle)


def test_a_model_that_does_not_read_slows_its_client_down(start, wire):
    server = start()
    client = wire(server, ECHO)
    client.send(TEXT, json.dumps(FIRST).encode())
    client.send(TEXT, b'{"inputs": "many"}')
    client.socket.settimeout(1.0)
    sent = 0
    with contextlib.suppress(TimeoutError):
        for _ in range(400):
            client.send(TEXT, b'{"inputs": "%b"}' % (b"x" * 100_000))
            sent += 100_000
    assert sent < 20_000_000
    client.close()
    wait_until(server.is_idle)


def test_clients_that_send_nothing_are_given_up(start, connect):
    server = start(stall_seconds=0.4)
    client = connect(server, JOIN)
    client.send(FIRST)
    for _ in range(8):
        time.sleep(0.1)
        client.client.send(" ")
    assert server.workers.running == 1
    answer = client.read()
    assert answer["code"] == 504
    assert "runtime.stream_stall_seconds" in answer["details"]
    assert client.read_end()[0] == 4504
    # Before the first message no worker is needed.
    silent = connect(server, JOIN)
    assert server.workers.running == 0
    assert silent.read()["code"] == 504
    assert silent.read_end()[0] == 4504


def test_pings_are_answered(start, connect, wire):
    server = start()
    client = connect(server, ECHO)
    client.send(FIRST)
    client.read()
    assert client.client.ping().wait(5)
    raw = wire(server, ECHO)
    raw.send(TEXT, b'{"model_id": "m", ', last=False)
    raw.send(PING, b"between")
    assert raw.read() == (PONG, b"between")
    raw.send(MORE, b'"inputs": "a"}')
    assert raw.read() == (TEXT, b'{"seen": {"text": "a"}}')


# Clients that leave


@pytest.mark.parametrize("path", [JOIN, ECHO])
@pytest.mark.parametrize("how", ["close", "vanish"])
def test_clients_that_leave_free_their_worker(start, connect, path, how):
    server = start()
    client = connect(server, path)
    client.send(FIRST)
    wait_until(lambda: server.workers.running == 1)
    getattr(client, how)()
    wait_until(server.is_idle)


@pytest.mark.parametrize("how", ["close", "vanish"])
def test_models_learn_that_their_client_has_left(start, connect, kit, how):
    ended = threading.Event()

    def work(context, messages):
        try:
            for message in messages:
                while True:
                    yield kit.Answer({"text": message["text"]})
        finally:
            ended.set()

    operations = [kit.make("Work", work, Shape.BIDI, http=kit.route("/task/work"))]
    server = start(operations=operations)
    client = connect(server, "/task/work")
    client.send(FIRST)
    client.read()
    getattr(client, how)()
    assert ended.wait(10)
    wait_until(server.is_idle)


def test_many_that_leave_leave_nothing_behind(start, connect):
    server = start()
    before = threading.active_count()
    for number in range(40):
        client = connect(server, ECHO)
        if number % 4:
            client.send(FIRST, {"inputs": "fail" if number % 3 == 0 else "b"})
        if number % 2:
            client.read()
        client.vanish()
    wait_until(server.is_idle)
    wait_until(lambda: threading.active_count() <= before + 6)


# The end of the server


def test_running_conversations_are_finished(start, connect):
    server = start()
    client, idle = connect(server, ECHO), connect(server, ECHO)
    client.send(FIRST)
    assert client.read() == {"seen": {"text": "a"}}
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(server.stop, 10)
        assert idle.read_end() == (1012, "The server is shutting down")
        client.send({"inputs": "b"})
        assert client.read() == {"seen": {"text": "b"}}
        assert not stopping.done()
        client.end()
        assert client.read_end()[0] == 1000
        stopping.result(5)


@pytest.mark.parametrize("path", [JOIN, ECHO])
def test_conversations_longer_than_the_grace_period_are_ended(start, connect, path):
    server = start()
    client = connect(server, path)
    client.send(FIRST)
    wait_until(lambda: server.workers.running == 1)
    if path == ECHO:
        client.read()
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(server.stop, 0.3)
        assert client.read_end() == (1012, "The server is shutting down")
        stopping.result(10)


# In other servers


def test_another_server(kit, connect):
    workers = WorkerPool(2)
    engine = Engine(gate=Gate(workers), observer=Observer())
    head = HttpHead(engine, kit.operations, title="Tests", version="1", description="")
    app = AsgiApp(head, workers=workers, gate=engine.gate, max_body_size=1000)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, ws="websockets-sansio", log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        wait_until(lambda: server.started)
        here = SimpleNamespace(port=listener.getsockname()[1])
        client = connect(here, ECHO)
        client.send(FIRST)
        assert client.read() == {"seen": {"text": "a"}}
        client.client.send(b'{"inputs": "b"}')
        assert client.read() == {"seen": {"text": "b"}}
        client.end()
        assert client.read_end()[0] == 1000
        client = connect(here, ECHO)
        client.client.send("x" * 1001)
        assert client.read_end()[0] == 1009
        with pytest.raises(InvalidStatus) as caught:
            connect(here, "/nowhere")
        assert caught.value.response.status_code == 404
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
    assert workers.close(5)


async def test_a_server_that_cannot_answer_a_handshake(app):
    """Without the extension for that there is one refusal for all."""
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": "/nowhere",
        "root_path": "",
        "query_string": b"",
        "headers": [],
    }
    await app(scope, receive, send)
    assert sent == [{"type": "websocket.close"}]


def test_a_client_that_does_not_wait_to_be_accepted():
    asked, may_go_on = threading.Event(), threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        asked.set()
        while not may_go_on.is_set():
            await asyncio.sleep(0.001)
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "reason": (await receive())["text"]})

    with contextlib.ExitStack() as stack:
        listener = socket.create_server(("127.0.0.1", 0))
        server = UvicornServer(app, listener, limits=ConnectionLimits())
        server.start()
        stack.callback(server.join, 10)
        stack.callback(server.stop, 0.1)
        client = stack.enter_context(socket.create_connection(listener.getsockname(), timeout=10))
        client.sendall(handshake(JOIN))
        assert asked.wait(10)
        client.sendall(frame(TEXT, b"early"))
        may_go_on.set()
        received = b""
        while not received.endswith(b"early"):
            chunk = client.recv(4096)
            assert chunk, received
            received += chunk


# Other floods, which connections of all kinds must bear


def test_requests_that_are_sent_ahead_wait_with_their_client():
    most = count = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal most, count
        count += 1
        if count % 5000 == 0:
            most = max(most, sum(type(each) is RequestResponseCycle for each in gc.get_objects()))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    with contextlib.ExitStack() as stack:
        listener = socket.create_server(("127.0.0.1", 0))
        server = UvicornServer(app, listener, limits=ConnectionLimits())
        server.start()
        stack.callback(server.join, 10)
        stack.callback(server.stop, 0.1)
        client = stack.enter_context(socket.create_connection(listener.getsockname(), timeout=30))
        requests = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * 60_000
        sending = threading.Thread(target=client.sendall, args=(requests,))
        sending.start()
        answers = 0
        while answers < 60_000:
            chunk = client.recv(2**20)
            assert chunk
            answers += chunk.count(b"TP/1.1")
        sending.join(10)
    # What is read at once may be thousands.
    assert 0 < most < 30_000


def test_a_body_of_many_pieces_leaves_time_for_others(start):
    server = start()
    head = b"POST /task/join HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    chunks = b"1\r\n \r\n" * 50_000
    with contextlib.ExitStack() as stack:
        flooded = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
        flooded.sendall(head + b"transfer-encoding: chunked\r\n\r\n")

        def flood() -> None:
            with contextlib.suppress(OSError):
                for _ in range(1000):
                    flooded.sendall(chunks)

        flooding = threading.Thread(target=flood)
        flooding.start()
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
                client.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                assert client.recv(4096).startswith(b"HTTP/1.1 ")
        with contextlib.suppress(OSError):
            flooded.shutdown(socket.SHUT_RDWR)
        flooding.join(30)
