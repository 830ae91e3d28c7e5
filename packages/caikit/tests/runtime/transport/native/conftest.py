"""Servers on native connections, and clients that speak their frames by hand."""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hpack import Decoder, Encoder

from caikit.runtime.engine import Gate, Shape, WorkerPool
from caikit.runtime.engine.byte_budget import ByteBudget
from caikit.runtime.transport.http_messages import HttpAnswer, SocketClose
from caikit.runtime.transport.native import GrpcService, HttpService, Limits, NativeServer
from caikit.runtime.transport.unix_listener import UnixListener

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4


class HttpEndpoint:
    guard = loop_runs = None
    takes_lines = False
    stream_headers = [(b"content-type", b"text/event-stream"), (b"connection", b"keep-alive")]

    def __init__(self, serve: Callable[..., Any], *, streaming: bool = False) -> None:
        self.serve = serve
        self.streaming = streaming

    def accept(self, request):
        return HttpAnswer(415, b"no") if request.content_type == b"bad" else None

    def answer(self, context, request, body):
        return HttpAnswer(200, self.serve(context, body), [(b"content-type", b"text/plain")])

    def stream(self, context, request, body):
        if body == b"bad":
            yield HttpAnswer(422, b"bad")
            return
        context.on_decoded()
        yield from self.serve(context, body)


class LinesEndpoint(HttpEndpoint):
    takes_lines = True


class Application:
    def __init__(self, endpoints, sockets):
        self.endpoints = {
            (method, path): endpoint for path, endpoint in endpoints.items() for method in ("GET", "POST")
        }
        self.sockets = sockets

    def missing(self, request):
        return HttpAnswer(404, request.path.encode("latin-1", "replace"))

    def refuse(self, error, http_status=None):
        return HttpAnswer(http_status or 503, error.message.encode())

    def refuse_stream(self, error):
        return error.message.encode()

    def refuse_socket(self, error):
        return error.message.encode(), SocketClose(4500)

    def keep_alive(self):
        return b": ping\n"


class Method:
    """A gRPC method; bytes in, bytes out."""

    guard = loop_runs = None

    def __init__(self, serve: Callable[..., Any], shape: Shape = Shape.UNARY, *, acknowledge: bool = False):
        self.shape = shape
        self.acknowledge = acknowledge
        self.answer = self.stream = serve


class Native:
    """A server with one port for everything."""

    def __init__(
        self,
        *,
        http: dict[str, Any] | None = None,
        grpc: dict[str, Any] | None = None,
        sockets: dict[str, Any] | None = None,
        limits: Limits | None = None,
        threads: int = 4,
        tls: Any = None,
        unix: str | None = None,
        max_body_size: int = 100_000,
        max_held_bytes: int | None = None,
        **grpc_settings: Any,
    ) -> None:
        self.workers = WorkerPool(threads)
        self.gate = Gate(self.workers, max_queued=100, bytes_held=ByteBudget(max_held_bytes))
        common: dict[str, Any] = {"workers": self.workers, "gate": self.gate}
        self.server = NativeServer(
            http=HttpService(Application(http or {}, sockets or {}), **common, max_body_size=max_body_size),
            grpc=GrpcService(
                {f"/tests.native.Service/{name}": method for name, method in (grpc or {}).items()},
                **common,
                **grpc_settings,
            ),
            limits=limits,
        )
        if unix is None:
            listener = socket.create_server(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        else:
            listener = UnixListener(unix, 10)
            self.port = 0
        self.server.add_socket(listener, tls)
        self.target = f"127.0.0.1:{self.port}" if unix is None else f"unix:{unix}"

    def __enter__(self) -> Native:
        self.server.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.server.stop(1)
        assert self.server.join(10)
        assert self.workers.close(5)

    def post(self, path: str, body: Any = b"", headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("POST", path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read()

    def connect(self, data: bytes = b"") -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        client.sendall(data)
        return client

    def exchange(self, data: bytes) -> bytes:
        """Send bytes and read until the server closes the connection."""
        received = b""
        with self.connect() as client:
            with contextlib.suppress(ConnectionError):
                client.sendall(data)
            with contextlib.suppress(ConnectionError):
                while chunk := client.recv(65536):
                    received += chunk
        return received

    def speak(self, **settings: Any) -> Frames:
        return Frames(self.connect(), **settings)


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


class Frames:
    """A client of HTTP/2 that does what it is told."""

    def __init__(self, client: socket.socket, *, settings: bytes = b"", preface: bool = True) -> None:
        self.socket = client
        self.encoder = Encoder()
        self.decoder = Decoder()
        self._received = b""
        if preface:
            self.send(PREFACE + frame(SETTINGS, 0, 0, settings))

    def __enter__(self) -> Frames:
        return self

    def __exit__(self, *args: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_all(self, data: bytes) -> None:
        """Send what the server may not want to read."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)

    def head(self, path: str = "/do", *headers: tuple[str, str]) -> bytes:
        """A header block."""
        pseudo = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "x")]
        return self.encoder.encode([*pseudo, *headers])

    def request(self, stream: int, path: str, body: bytes, *headers: tuple[str, str]) -> None:
        self.send(
            frame(HEADERS, END_HEADERS, stream, self.head(path, *headers))
            + frame(DATA, END_STREAM, stream, body)
        )

    def read(self) -> tuple[int, int, int, bytes] | None:
        """The next frame; None at the end."""
        while len(self._received) < 9 or len(self._received) < 9 + self._length():
            try:
                chunk = self.socket.recv(65536)
            except ConnectionError:
                return None
            if not chunk:
                return None
            self._received += chunk
        end = 9 + self._length()
        kind, flags, stream = struct.unpack(">BBI", self._received[3:9])
        payload, self._received = self._received[9:end], self._received[end:]
        return kind, flags, stream, payload

    def answer(self, stream: int) -> tuple[dict[str, str], bytes]:
        """Headers (and trailers) and body of a stream."""
        headers: dict[str, str] = {}
        body = b""
        while True:
            found = self.read()
            assert found is not None, "the connection has ended"
            kind, flags, number, payload = found
            assert kind != GOAWAY, payload
            if kind == HEADERS:
                decoded = dict(self.decoder.decode(payload))
                headers.update(decoded if number == stream else {})
            elif kind == DATA and number == stream:
                body += payload
            if number == stream and kind == RST_STREAM:
                return {"reset": str(int.from_bytes(payload, "big"))}, body
            if number == stream and kind in (HEADERS, DATA) and flags & END_STREAM:
                return headers, body

    def goodbye(self) -> tuple[int, str] | None:
        """Code and reason with which the server ends the connection."""
        said = None
        while found := self.read():
            if found[0] == GOAWAY:
                said = int.from_bytes(found[3][4:8], "big"), found[3][8:].decode()
        return said

    def _length(self) -> int:
        return int.from_bytes(self._received[:3], "big")


@pytest.fixture
def native() -> Iterator[Callable[..., Native]]:
    """Starts servers, which end with the test."""
    with contextlib.ExitStack() as stack:

        def start(**settings: Any) -> Native:
            return stack.enter_context(Native(**settings))

        yield start


@pytest.fixture
def kit() -> SimpleNamespace:
    """What servers and frames are made of."""
    names = {name: value for name, value in globals().items() if name.isupper()}
    return SimpleNamespace(
        **names,
        Application=Application,
        Frames=Frames,
        HttpEndpoint=HttpEndpoint,
        LinesEndpoint=LinesEndpoint,
        Method=Method,
        frame=frame,
    )


@pytest.fixture
def wait_until() -> Callable[..., None]:
    def wait(condition: Callable[[], Any], seconds: float = 5.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.005)

    return wait
