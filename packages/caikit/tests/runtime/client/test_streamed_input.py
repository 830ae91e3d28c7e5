"""Streams as input over HTTP: what is sent, when, and what ends it."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    Request,
    TextMessage,
)

from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

Load = Callable[..., Any]

GREETING = b'{"text": "Hello"}'


def failure(call: Callable[[], Any]) -> CaikitRuntimeException:
    with pytest.raises(CaikitRuntimeException) as caught:
        call()
    return caught.value


def wait_until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


class Source:
    """Persons without end; counts them, and stops before one of them until it is told to go on."""

    def __init__(self, golden: SimpleNamespace, stop_before: int | None = None, name: str = "Ann") -> None:
        self._person = golden.data.Person(name)
        self._stop_before = stop_before
        self.count = 0
        self.more = threading.Event()

    def __iter__(self) -> Iterator[Any]:
        while True:
            if self.count == self._stop_before:
                self.more.wait(10)
            self.count += 1
            yield self._person

    def is_still(self) -> bool:
        before = self.count
        time.sleep(0.1)
        return self.count == before


def read_lines(sock: socket.socket, request: bytes, count: int | None = None) -> list[dict[str, Any]]:
    """The lines of a body in chunks: some, or all; the beginning of it has been read with the head."""
    received = bytearray(request.partition(b"\r\n\r\n")[2])
    lines: list[dict[str, Any]] = []

    def take(end: int) -> bytes:
        while end > len(received) or (end < 0 and b"\r\n" not in received):
            received.extend(sock.recv(1 << 16))
        taken = bytes(received[: end if end >= 0 else received.index(b"\r\n") + 2])
        del received[: len(taken)]
        return taken

    while count is None or len(lines) < count:
        size = int(take(-1), 16)
        content = take(size + 2)[:-2]
        if not size:
            break
        assert content.endswith(b"\n")
        lines.extend(map(json.loads, content.splitlines()))
    return lines


# Uploads #####################################################################


def test_lines_of_an_upload(fake: SimpleNamespace, greeter_at: Load, golden: SimpleNamespace) -> None:
    lines: list[Any] = []

    def answer(sock: socket.socket, request: bytes) -> None:
        lines.extend(read_lines(sock, request))
        sock.sendall(fake.answer(200, GREETING))

    server = fake.serve(answer)
    model = greeter_at(server.port)
    people = [golden.data.Person("Ann"), golden.data.Person("Bob", mood=golden.data.Mood.HAPPY)]
    assert model.run_stream_in(people, greeting="Hi").text == "Hello"
    head = server.requests[0].decode().lower()
    assert head.startswith("post /api/v1/task/client-streaming-greet http/1.1\r\n")
    for header in (
        f"host: 127.0.0.1:{server.port}",
        "content-type: application/x-ndjson",
        "accept: application/json",
        "transfer-encoding: chunked",
    ):
        assert f"\r\n{header}\r\n" in head
    assert lines == [
        {"model_id": "greeter", "inputs": {"name": "Ann"}, "parameters": {"greeting": "Hi"}},
        {"inputs": {"name": "Bob", "mood": 1}},
    ]


@pytest.mark.parametrize("status", [400, 200])
def test_an_early_answer_ends_the_upload(
    fake: SimpleNamespace, greeter_at: Load, golden: SimpleNamespace, status: int
) -> None:
    """Whether the source has more to give, or is waited for."""
    body = GREETING if status == 200 else b'{"details": "enough", "code": 400, "id": "f00"}'

    def answer(sock: socket.socket, request: bytes) -> None:
        read_lines(sock, request, 2)
        sock.sendall(fake.answer(status, body))
        sock.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            while sock.recv(1 << 16):
                pass
        sock.close()

    model = greeter_at(fake.serve(answer).port)
    for source in (Source(golden), Source(golden, stop_before=2)):
        if status == 200:
            assert model.run_stream_in(iter(source)).text == "Hello"
        else:
            error = failure(lambda source=source: model.run_stream_in(iter(source)))
            assert (error.status_code, error.message) == (grpc.StatusCode.INVALID_ARGUMENT, "enough")
        source.more.set()
        wait_until(source.is_still)


def test_the_server_sets_the_pace(fake: SimpleNamespace, greeter_at: Load, golden: SimpleNamespace) -> None:
    go_on = threading.Event()

    def answer(sock: socket.socket, _: bytes) -> None:
        go_on.wait(10)
        sock.sendall(fake.answer(200, GREETING))
        sock.close()

    source = Source(golden, name="A" * 100_000)
    model = greeter_at(fake.serve(answer).port, timeout=20)
    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(model.run_stream_in(iter(source)).text))
    thread.start()
    wait_until(lambda: source.count > 1 and source.is_still())
    assert source.count < 200  # what the buffers of both sockets take
    go_on.set()
    thread.join(10)
    assert results == ["Hello"]


def test_deadlines_of_uploads(fake: SimpleNamespace, greeter_at: Load, golden: SimpleNamespace) -> None:
    silent = fake.serve(lambda sock, _: time.sleep(1))
    for source in (Source(golden, name="A" * 100_000), Source(golden, stop_before=1)):
        model = greeter_at(silent.port, timeout=0.4)
        start = time.monotonic()
        error = failure(lambda model=model, source=source: model.run_stream_in(iter(source)))
        assert error.status_code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert "within 0.4 s" in error.message
        assert time.monotonic() - start < 0.9
        source.more.set()


ANSWERS = {
    "cut": (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{", "UNAVAILABLE"),
    "cut in chunks": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{", "UNAVAILABLE"),
    "nothing": (b"", "UNAVAILABLE"),
    "garbage": (b"\x00\xff" * 50 + b"\r\n\r\n", "UNAVAILABLE"),
    "no JSON": (b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi", "INTERNAL"),
    "broken JSON": (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\n{", "INTERNAL"),
    "too large": (b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n" + b"x" * 5000, "RESOURCE_EXHAUSTED"),
    "elsewhere": (b"HTTP/1.1 307 Gone\r\nlocation: http://x/\r\ncontent-length: 0\r\n\r\n", "UNKNOWN"),
    "busy": (b"HTTP/1.1 503 Busy\r\ncontent-length: 19\r\n\r\n" + b'{"details": "busy"}', "UNAVAILABLE"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ANSWERS)
def test_answers_to_uploads(
    fake: SimpleNamespace, greeter_at: Load, golden: SimpleNamespace, kind: str
) -> None:
    """And items are never sent twice."""
    content, status = ANSWERS[kind]

    def answer(sock: socket.socket, request: bytes) -> None:
        read_lines(sock, request)
        sock.sendall(content)
        sock.close()

    server = fake.serve(answer)
    model = greeter_at(server.port, retries=3, options={"max_response_bytes": 1000})
    error = failure(lambda: model.run_stream_in([golden.data.Person("Ann")]))
    assert error.status_code is grpc.StatusCode[status]
    assert len(server.requests) == 1


# WebSockets ##################################################################


class Talk:
    """The server's side of a WebSocket."""

    def __init__(self, sock: socket.socket, request: bytes) -> None:
        self.sock = sock
        self.protocol = WSConnection(ConnectionType.SERVER)
        self.protocol.receive_data(request)
        (self.request,) = (each for each in self.protocol.events() if isinstance(each, Request))
        self.send(AcceptConnection())
        self._events = self._receive()

    def send(self, event: Any) -> None:
        self.sock.sendall(self.protocol.send(event))

    def say(self, text: str) -> None:
        self.send(TextMessage(text))

    def hear(self) -> Any:
        """The next text, or whatever else comes."""
        text = ""
        for event in self._events:
            if not isinstance(event, TextMessage):
                return event
            text += event.data
            if event.message_finished:
                return text
        return None

    def _receive(self) -> Iterator[Any]:
        while received := self.sock.recv(1 << 16):
            self.protocol.receive_data(received)
            yield from self.protocol.events()


@pytest.fixture
def talking(fake: SimpleNamespace) -> Callable[..., Any]:
    """A server of WebSockets, each of which is handed to a function."""

    def serve(talk: Callable[[Talk], None]) -> Any:
        def handle(sock: socket.socket, request: bytes) -> None:
            with contextlib.suppress(OSError):
                talk(Talk(sock, request))
                # Unread bytes would reset the connection.
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(1 << 16):
                    pass
            sock.close()

        return fake.serve(handle)

    return serve


def test_messages_of_a_conversation(
    talking: Callable[..., Any], client: Load, golden: SimpleNamespace, tmp_path: Any
) -> None:
    heard: list[Any] = []
    (tmp_path / "token").write_text("secret")

    def talk(it: Talk) -> None:
        while heard.append(it.hear()) or heard[-1]:
            it.say(GREETING.decode())
        it.send(CloseConnection(1000))
        heard.append(it.hear())

    server = talking(talk)
    model = client(
        connection={"hostname": "127.0.0.1", "port": server.port, "timeout": 5},
        protocol="http",
        supported_models={"greeter": golden.greet.Greeter.MODULE_ID},
        discover_models=False,
        token_file=str(tmp_path / "token"),
        metadata={"tenant": "a"},
    ).load("greeter")
    people = [golden.data.Person("Ann"), golden.data.Person("Bob")]
    assert [item.text for item in model.run_bidi(people, greeting="Hi")] == ["Hello"] * 2
    head = server.requests[0].decode().lower()
    assert head.startswith("get /api/v1/task/bidi-streaming-greet http/1.1\r\n")
    for header in (f"host: 127.0.0.1:{server.port}", "authorization: bearer secret", "tenant: a"):
        assert f"\r\n{header}\r\n" in head
    wait_until(lambda: len(heard) == 4)
    *lines, end, close = heard
    assert list(map(json.loads, lines)) == [
        {"model_id": "greeter", "inputs": {"name": "Ann"}, "parameters": {"greeting": "Hi"}},
        {"inputs": {"name": "Bob"}},
    ]
    assert end == ""
    assert isinstance(close, CloseConnection)


ERROR = '{"details": "no more", "code": 429, "id": "f00", "status": "RESOURCE_EXHAUSTED"}'
ENDS: dict[str, tuple[list[Any], str, str]] = {
    "an error": ([TextMessage(ERROR), CloseConnection(4429, "x")], "RESOURCE_EXHAUSTED", "no more"),
    "a short error": ([TextMessage('{"detail": "who?"}'), CloseConnection(4401)], "UNAUTHENTICATED", "who?"),
    "an error without text": ([CloseConnection(4404, "gone")], "NOT_FOUND", "gone"),
    "a restart": ([CloseConnection(1001, "restarting")], "UNAVAILABLE", "1001 restarting"),
    "a failure": ([CloseConnection(1011)], "INTERNAL", "1011"),
    "too much": ([CloseConnection(1009)], "RESOURCE_EXHAUSTED", "1009"),
    "no end": ([], "UNAVAILABLE", "before it was complete"),
    "bytes": ([BytesMessage(b"{}")], "INTERNAL", "got bytes"),
    "no JSON": ([TextMessage("hi")], "INTERNAL", "is no Greeting"),
    "a large item": ([TextMessage("x" * 2000)], "RESOURCE_EXHAUSTED", "max_response_bytes"),
    "a large item in parts": ([TextMessage("x" * 600, message_finished=False), TextMessage("x" * 600)], "RESOURCE_EXHAUSTED", "more than 1000 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("how", ENDS)
def test_ends_of_conversations(
    talking: Callable[..., Any], greeter_at: Load, golden: SimpleNamespace, how: str
) -> None:
    """And items are never sent twice."""
    events, status, text = ENDS[how]

    def talk(it: Talk) -> None:
        it.hear()
        it.say(GREETING.decode())
        for event in events:
            it.send(event)

    source = Source(golden, stop_before=1)
    server = talking(talk)
    model = greeter_at(server.port, retries=3, options={"max_response_bytes": 1000})
    items = iter(model.run_bidi(iter(source)))
    assert next(items).text == "Hello"
    error = failure(lambda: list(items))
    assert (error.status_code, text in error.message) == (grpc.StatusCode[status], True), error
    assert len(server.requests) == 1
    source.more.set()


def test_an_item_may_look_like_an_error(
    talking: Callable[..., Any], greeter_at: Load, golden: SimpleNamespace
) -> None:
    def talk(it: Talk) -> None:
        it.hear()
        it.say('{"detail": "x"}')
        it.send(TextMessage('{"text": ', message_finished=False))
        it.send(Ping(b"p"))
        it.say('"in parts"}')
        it.say('{"detail": "x", "text": "last"}')
        it.say('{"detail": "x"}')
        it.send(CloseConnection(1000))

    items = list(greeter_at(talking(talk).port).run_bidi([golden.data.Person("Ann")]))
    assert [item.text for item in items] == ["", "in parts", "last", ""]


def test_nobody_listens_any_more(
    talking: Callable[..., Any], greeter_at: Load, golden: SimpleNamespace
) -> None:
    """The server is told, whether it waits for the client or the client for it."""
    heard: list[Any] = []

    def talk(it: Talk) -> None:
        it.hear()
        it.say(GREETING.decode())
        with contextlib.suppress(ConnectionError):
            while isinstance(event := it.hear(), str):
                pass
        heard.append(event)

    model = greeter_at(talking(talk).port)
    for source in (Source(golden), Source(golden, stop_before=1)):
        items = iter(model.run_bidi(iter(source)))
        next(items)
        del items
        wait_until(lambda: heard)
        # Where much is on its way, the connection just ends.
        assert isinstance(heard.pop(), CloseConnection) or source.count > 1
        source.more.set()
        wait_until(source.is_still)


def test_both_sides_may_be_full(
    talking: Callable[..., Any], greeter_at: Load, golden: SimpleNamespace
) -> None:
    """The server reads nothing while it sends more than fits into any buffer, and asks whether the client lives."""
    answers: list[Any] = []

    def talk(it: Talk) -> None:
        it.hear()
        it.send(Ping(b"early"))
        for number in range(100):
            it.say(json.dumps({"text": f"{number}" + "x" * 200_000}))
        it.send(Ping(b"late"))
        while len(answers) < 2:
            event = it.hear()
            if isinstance(event, Pong):
                answers.append(bytes(event.payload))
        it.send(CloseConnection(1000))

    source = Source(golden, name="A" * 100_000)
    model = greeter_at(talking(talk).port, timeout=30)
    texts = [item.text.rstrip("x") for item in model.run_bidi(iter(source))]
    assert texts == [str(number) for number in range(100)]
    assert answers == [b"early", b"late"]


def test_deadlines_of_conversations(
    talking: Callable[..., Any], greeter_at: Load, golden: SimpleNamespace
) -> None:
    def talk(it: Talk) -> None:
        it.hear()
        for _ in range(10):
            it.say(GREETING.decode())
            time.sleep(0.1)

    source = Source(golden, stop_before=1)
    items = iter(greeter_at(talking(talk).port, timeout=0.5).run_bidi(iter(source)))
    assert next(items).text == "Hello"
    start = time.monotonic()
    assert failure(lambda: list(items)).status_code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - start < 0.95
    source.more.set()


@pytest.mark.parametrize(
    ("answer", "status", "attempts"),
    [
        ((401, b'{"details": "who?"}'), "UNAUTHENTICATED", 1),
        ((404, b'{"detail": "Not Found"}'), "NOT_FOUND", 1),
        ((405, b'{"detail": "Method Not Allowed"}'), "UNIMPLEMENTED", 1),
        ((503, b'{"details": "busy"}'), "UNAVAILABLE", 3),
        ((200, b"{}"), "UNKNOWN", 1),
        ((307, b""), "UNKNOWN", 1),
        (None, "UNAVAILABLE", 3),
        (b"\x00\xff\r\n\r\n", "UNAVAILABLE", 3),
        (b"HTTP/1.1 101 Switching\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: x\r\n\r\n", "UNAVAILABLE", 3),
    ],
)  # fmt: skip
def test_refused_handshakes(
    fake: SimpleNamespace, greeter_at: Load, golden: SimpleNamespace, answer: Any, status: str, attempts: int
) -> None:
    """Nothing has been sent, so the handshake may be repeated; the source is not even asked."""

    def refuse(sock: socket.socket, _: bytes) -> None:
        if answer:
            sock.sendall(answer if isinstance(answer, bytes) else fake.answer(*answer))
        sock.close()

    source = Source(golden)
    server = fake.serve(refuse)
    model = greeter_at(server.port, retries=2, retry_options={"backoff_factor": 0.0})
    error = failure(lambda: list(model.run_bidi(iter(source))))
    assert error.status_code is grpc.StatusCode[status], error
    assert (len(server.requests), source.count) == (attempts, 0)


# Ways to the server ##########################################################


@pytest.mark.parametrize("kind", ["plain", "mtls"])
def test_large_streams_in_both_directions(golden: SimpleNamespace, remote: Load, kind: str) -> None:
    model = remote("greeter", "http", kind)
    names = [f"{number}-" + "n" * 100_000 for number in range(100)]
    assert [item.text for item in model.run_bidi(map(golden.data.Person, names))] == [
        f"Hello {name}" for name in names
    ]
    assert model.run_stream_in(map(golden.data.Person, names)).text == "Hello " + ", ".join(names)


def test_streams_go_through_the_proxy_of_the_environment(
    fake: SimpleNamespace, servers: Callable[[str], Any], greeter_at: Load, golden: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    port = servers("plain").ports["http"]

    def pass_on(sock: socket.socket, request: bytes) -> None:
        if not request.startswith(f"CONNECT 127.0.0.1:{port} ".encode()) or b"Basic dTpw" not in request:
            sock.sendall(b"HTTP/1.1 407 Who\r\n\r\n")
            sock.close()
            return
        with socket.create_connection(("127.0.0.1", port)) as behind:
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=pump, args=(behind, sock))
            back.start()
            pump(sock, behind)
            back.join(5)

    proxy = fake.serve(pass_on)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    model = greeter_at(port)
    person = golden.data.Person("Ann")
    monkeypatch.setenv("http_proxy", f"http://u:p@127.0.0.1:{proxy.port}")
    assert model.run_stream_in([person]).text == "Hello Ann"
    assert [item.text for item in model.run_bidi([person])] == ["Hello Ann"]
    assert len(proxy.requests) == 2
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    error = failure(lambda: model.run_stream_in([person]))
    assert (error.status_code, "407" in error.message) == (grpc.StatusCode.UNAVAILABLE, True)
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
    assert "proxy of type http" in failure(lambda: list(model.run_bidi([person]))).message


def pump(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while received := one.recv(1 << 16):
            other.sendall(received)
        other.shutdown(socket.SHUT_WR)


def test_many_streams_at_once(remote: Load, golden: SimpleNamespace) -> None:
    model = remote("greeter", "http")
    results: dict[int, Any] = {}

    def call(number: int) -> None:
        people = [golden.data.Person(f"P{number}")] * 3
        if number % 2:
            results[number] = model.run_stream_in(people).text == "Hello " + ", ".join([f"P{number}"] * 3)
        else:
            results[number] = [item.text for item in model.run_bidi(people)] == [f"Hello P{number}"] * 3

    threads = [threading.Thread(target=call, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == dict(zip(range(24), itertools.repeat(True)))
