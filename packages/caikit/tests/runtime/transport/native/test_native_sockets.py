from __future__ import annotations

import base64
import hashlib
import struct
import threading
from concurrent.futures import Future

import pytest

from caikit.runtime.engine import Status
from caikit.runtime.engine.guard import AccessRefusedError, UndecidedError
from caikit.runtime.transport.http_messages import CLOSED

KEY = base64.b64encode(b"0123456789abcdef").decode()
ACCEPT = base64.b64encode(hashlib.sha1(f"{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest())
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Socket:
    """An endpoint that says what it is told, in capitals."""

    guard = None

    def __init__(self, guard=None):
        self.guard = guard

    def converse(self, context, messages):
        for message in messages:
            if message == b"break":
                raise ValueError("broken")
            yield message.upper()
        yield CLOSED


def handshake(path: str = "/talk", **changes: str | None) -> bytes:
    headers = {
        "host": "x",
        "connection": "keep-alive, Upgrade",
        "upgrade": "WebSocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": KEY,
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


def frame(opcode: int, data: bytes = b"") -> bytes:
    # A mask of zeros changes nothing.
    return bytes([0x80 | opcode, 0x80 | len(data)]) + b"\0\0\0\0" + data


class Client:
    def __init__(self, connection):
        self.connection = connection
        self._rest = b""

    def read_head(self) -> bytes:
        while b"\r\n\r\n" not in self._rest:
            self._fill()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        return head

    def read_body(self, size: int) -> bytes:
        while len(self._rest) < size:
            self._fill()
        body, self._rest = self._rest[:size], self._rest[size:]
        return body

    def read(self) -> tuple[int, bytes]:
        while len(self._rest) < 2 or len(self._rest) < 2 + self._rest[1]:
            self._fill()
        end = 2 + self._rest[1]
        opcode, data, self._rest = self._rest[0] & 15, self._rest[2:end], self._rest[end:]
        return opcode, data

    def _fill(self) -> None:
        chunk = self.connection.recv(65536)
        assert chunk, "the connection has ended"
        self._rest += chunk


@pytest.fixture
def server(native, kit):
    return native(
        http={"/do": kit.HttpEndpoint(lambda context, body: body.upper())}, sockets={"/talk": Socket()}
    )


@pytest.fixture
def connect(server):
    clients = []

    def connect_client(data: bytes) -> Client:
        clients.append(Client(server.connect(data)))
        return clients[-1]

    yield connect_client
    for client in clients:
        client.connection.close()


def test_what_follows_the_handshake_may_come_with_it(connect):
    client = connect(handshake() + frame(TEXT, b"a") + frame(PING, b"p") + frame(TEXT, b"b") + frame(TEXT))
    head = client.read_head()
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"sec-websocket-accept: " + ACCEPT in head
    assert b"x-request-id: " in head
    assert b"connection: Upgrade" in head
    assert b"connection: close" not in head
    found = [client.read() for _ in range(4)]
    assert (PONG, b"p") in found
    assert [data for opcode, data in found if opcode == TEXT] == [b"A", b"B"]
    assert found[-1] == (CLOSE, struct.pack(">H", 1000))


def test_a_handshake_may_follow_another_request(connect):
    client = connect(b"POST /do HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\na" + handshake())
    assert client.read_head().startswith(b"HTTP/1.1 200 ")
    assert client.read_body(1) == b"A"
    assert client.read_head().startswith(b"HTTP/1.1 101 ")
    client.connection.sendall(frame(TEXT, b"a"))
    assert client.read() == (TEXT, b"A")


@pytest.mark.parametrize(
    ("changes", "status", "header"),
    [
        ({"path": "/nothing"}, 404, b""),
        ({"path": "/do"}, 404, b""),
        ({"sec_websocket_version": "8"}, 426, b"sec-websocket-version: 13"),
        ({"sec_websocket_version": None}, 426, b"sec-websocket-version: 13"),
        ({"sec_websocket_key": "short"}, 400, b""),
        ({"sec_websocket_key": None}, 400, b""),
        ({"content_length": "5"}, 400, b""),
        ({"transfer_encoding": "chunked"}, 400, b""),
        ({"connection": "close"}, 404, b""),
    ],
)
def test_handshakes_that_are_refused(server, changes, status, header):
    received = server.exchange(handshake(**changes))
    assert received.startswith(b"HTTP/1.1 %d " % status)
    assert header in received
    assert b"connection: close" in received


def test_guards(native, kit):
    settled: Future[None] = Future()

    class Guarding:
        def refusal(self, authorization, find_peer):
            if authorization == ["later"] and not settled.done():
                return UndecidedError("wait", settled)
            return (
                AccessRefusedError(Status.UNAUTHENTICATED, "who?", "Bearer") if authorization == [] else None
            )

    server = native(http={}, sockets={"/talk": Socket(Guarding())})
    assert b"who?" in server.exchange(handshake())
    with server.connect(handshake(authorization="later") + frame(TEXT, b"early")) as connection:
        client = Client(connection)
        threading.Timer(0.2, settled.set_result, [None]).start()
        assert client.read_head().startswith(b"HTTP/1.1 101 ")
        assert client.read() == (TEXT, b"EARLY")
        connection.sendall(frame(CLOSE, struct.pack(">H", 1000)))
        assert client.read()[0] == CLOSE


def test_the_end_of_the_server(native, kit, wait_until):
    server = native(http={}, sockets={"/talk": Socket()})
    with server.connect(handshake()) as silent, server.connect(handshake() + frame(TEXT, b"a")) as talking:
        clients = [Client(silent), Client(talking)]
        for client in clients:
            client.read_head()
        assert clients[1].read() == (TEXT, b"A")
        assert server.server.running == 2
        server.server.stop(0.5)
        for client in clients:
            opcode, data = client.read()
            assert (opcode, data[:2]) == (CLOSE, struct.pack(">H", 1012))
        assert server.server.join(5)


def test_an_endpoint_that_breaks(connect, server, wait_until):
    client = connect(handshake() + frame(TEXT, b"break"))
    client.read_head()
    assert client.read() == (TEXT, b"The server failed to make an answer")
    assert client.read() == (CLOSE, struct.pack(">H", 4500))
    client.connection.sendall(frame(CLOSE, struct.pack(">H", 4500)))
    wait_until(lambda: server.server.running == 0)


@pytest.mark.parametrize("connection", ["Upgrade, HTTP2-Settings", "keep-alive,upgrade"])
def test_clients_do_not_get_other_protocols(server, connect, connection):
    """Some clients would like HTTP/2, and go on without it."""
    request = (
        "POST /do HTTP/1.1\r\nhost: x\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n"
        f"connection: {connection}\r\ncontent-length: 3\r\n\r\nabc"
    ).encode()
    client = connect(request[:-1])
    client.connection.sendall(
        request[-1:] + request + b"POST /do HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )
    for body in (b"ABC", b"ABC", b""):
        head = client.read_head()
        assert head.startswith(b"HTTP/1.1 200 ")
        assert client.read_body(len(body)) == body
    assert b"connection: close" in head
    assert server.exchange(b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def raw_frame(first: int, data: bytes, *, masked: bool = True) -> bytes:
    head = bytes([first, (0x80 if masked else 0) | (len(data) if len(data) < 126 else 126)])
    if len(data) >= 126:
        head += struct.pack(">H", len(data))
    return head + (b"\0\0\0\0" if masked else b"") + data


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (raw_frame(0x81, b"a", masked=False), 1002),
        (raw_frame(0xC1, b"a"), 1002),
        (raw_frame(0x83, b"a"), 1002),
        (raw_frame(0x8B, b""), 1002),
        (raw_frame(0x09, b"part"), 1002),
        (raw_frame(0x89, b"a" * 126), 1002),
        (raw_frame(0x80, b"nothing begun"), 1002),
        (raw_frame(0x01, b"a") + raw_frame(0x81, b"b"), 1002),
        (raw_frame(0x81, b"\xff\xfe"), 1007),
        (raw_frame(0x88, b"\x03"), 1002),
        (raw_frame(0x88, b"\x03\xedtext"), 1002),
        (raw_frame(0x88, b"\x03\xe8\xff"), 1007),
        (b"\x81\xff" + b"\xff" * 8, 1002),
        (b"".join(raw_frame(0x01 if not part else 0x00, b"a" * 60_000) for part in range(3)), 1009),
    ],
    ids=range(14),
)
def test_frames_that_make_no_sense(connect, server, wait_until, data, code):
    client = connect(handshake() + data)
    client.read_head()
    while (found := client.read())[0] != CLOSE:
        assert found[0] in (TEXT, PONG)
    assert struct.unpack(">H", found[1][:2]) == (code,)
    client.connection.close()
    wait_until(lambda: server.server.running == 0)
