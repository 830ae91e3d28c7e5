from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from typing import Any

import pytest

from caikit.runtime.engine import Gate, RequestContext, WorkerPool
from caikit.runtime.engine.byte_budget import ByteBudget
from caikit.runtime.transport.asgi import AsgiApp
from caikit.runtime.transport.http_messages import HttpAnswer
from caikit.runtime.transport.uvicorn_server import ConnectionLimits, UvicornServer


class Endpoint:
    guard = loop_runs = None
    takes_lines = False
    stream_headers = [(b"content-type", b"text/event-stream")]

    def __init__(self, serve, *, streaming=False):
        self.serve = serve
        self.streaming = streaming

    def accept(self, request):
        return HttpAnswer(415, b"no") if request.content_type == b"bad" else None

    def answer(self, context, request, body):
        return HttpAnswer(200, self.serve(context, body))

    def stream(self, context, request, body):
        if body == b"bad":
            yield HttpAnswer(422, b"bad")
            return
        context.on_decoded()
        yield from self.serve(context, body)


class Application:
    def __init__(self, endpoints):
        self.endpoints = {("POST", path): endpoint for path, endpoint in endpoints.items()}

    def missing(self, request):
        return HttpAnswer(404, request.path.encode())

    def refuse(self, error, http_status=None):
        return HttpAnswer(http_status or 503, error.message.encode())

    def refuse_stream(self, error):
        return error.message.encode()

    def keep_alive(self):
        return b": ping\n"


class Server:
    def __init__(
        self,
        endpoints: dict[str, Endpoint],
        *,
        threads: int = 4,
        max_queued: int = 100,
        longest_wait: float | None = None,
        limits: ConnectionLimits | None = None,
        max_held_bytes: int | None = None,
        **kwargs: Any,
    ):
        self.workers = WorkerPool(threads, longest_wait=longest_wait)
        self.gate = Gate(self.workers, max_queued=max_queued, bytes_held=ByteBudget(max_held_bytes))
        self.app = AsgiApp(Application(endpoints), workers=self.workers, gate=self.gate, **kwargs)
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.server = UvicornServer(self.app, listener, limits=limits)

    def __enter__(self) -> Server:
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

    def connect(self, path: str, body: bytes = b"") -> socket.socket:
        """Send a request and return the socket."""
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
        sock.sendall(head.encode() + body)
        return sock


def wait_until(condition, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def test_unary_call():
    def serve(context: RequestContext, body: bytes) -> bytes:
        assert threading.current_thread().name.startswith("caikit_runtime")
        assert context.headers["x-who"] == "me"
        assert context.native.headers["X-Who"] == "me"
        assert type(context.native).__module__ == "starlette.requests"
        return body.upper()

    with Server({"/do": Endpoint(serve)}) as server:
        assert server.post("/do", b"abc", {"X-Who": "me"}) == (200, b"ABC")
        assert server.post("/other") == (404, b"/other")
        assert server.post("/do", b"", {"Content-Type": "bad"}) == (415, b"no")


def test_large_and_chunked_bodies():
    with Server({"/do": Endpoint(lambda context, body: b"%d" % len(body))}, max_body_size=300_000) as server:
        assert server.post("/do", b"x" * 300_000) == (200, b"300000")
        assert server.post("/do", iter([b"x" * 100_000] * 3)) == (200, b"300000")


def test_body_over_the_limit_is_refused_without_reading_it():
    with Server({"/do": Endpoint(lambda context, body: b"")}, max_body_size=1000) as server:
        sock = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        sock.sendall(b"POST /do HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000000\r\n\r\n")
        answer = sock.recv(10_000)
        assert b"413" in answer
        assert b"runtime.http.max_body_size" in answer
        sock.close()
        sock = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        sock.sendall(b"POST /do HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(10):
                sock.sendall(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
                time.sleep(0.01)
        with contextlib.suppress(ConnectionError):
            assert b"413" in sock.recv(10_000)
        sock.close()


def test_stream():
    def serve(context, body):
        return (b"%d;" % number for number in range(100))

    with Server({"/many": Endpoint(serve, streaming=True)}) as server:
        status, content = server.post("/many")
        assert status == 200
        assert content == b"".join(b"%d;" % number for number in range(100))
        assert server.post("/many", b"bad") == (422, b"bad")


def test_empty_stream():
    with Server({"/many": Endpoint(lambda context, body: iter(()), streaming=True)}) as server:
        assert server.post("/many") == (200, b"")


def test_stream_starts_before_its_first_item():
    release = threading.Event()

    def serve(context, body):
        release.wait(10)
        yield b"x"

    with Server({"/many": Endpoint(serve, streaming=True)}) as server:
        sock = server.connect("/many")
        assert sock.recv(1000).startswith(b"HTTP/1.1 200")
        release.set()
        sock.close()


def test_slow_reader_pauses_the_source():
    produced = []

    def serve(context, body):
        for number in range(10_000):
            produced.append(number)
            yield b"x" * 100_000

    with Server({"/many": Endpoint(serve, streaming=True)}) as server:
        sock = server.connect("/many")
        sock.recv(100)
        time.sleep(0.3)
        count = len(produced)
        time.sleep(0.1)
        assert len(produced) == count < 1000
        sock.close()


def test_clients_that_leave_a_stream_leave_nothing_behind():
    running = []

    def serve(context, body):
        running.append(1)
        try:
            while True:
                yield b"x" * 1000
        finally:
            running.pop()

    with Server({"/many": Endpoint(serve, streaming=True)}, threads=2) as server:
        for _ in range(20):
            sock = server.connect("/many")
            sock.recv(100)
            sock.close()
        wait_until(lambda: not running)


def test_client_that_leaves_cancels_the_token():
    started, gone = threading.Event(), threading.Event()

    def serve(context, body):
        context.cancel.on_cancel(gone.set)
        started.set()
        gone.wait(10)
        return b""

    with Server({"/do": Endpoint(serve)}) as server:
        sock = server.connect("/do")
        assert started.wait(5)
        sock.close()
        assert gone.wait(5)


def test_cancelled_stream_that_waits_for_its_source_is_told():
    gone = threading.Event()

    def serve(context, body):
        context.cancel.on_cancel(gone.set)
        yield b"x"
        gone.wait(10)

    with Server({"/many": Endpoint(serve, streaming=True)}) as server:
        sock = server.connect("/many")
        sock.recv(100)
        sock.close()
        assert gone.wait(5)


def test_work_does_not_block_the_loop():
    release = threading.Event()
    endpoints = {
        "/slow": Endpoint(lambda context, body: b"%d" % release.wait(10)),
        "/fast": Endpoint(lambda context, body: b"fast"),
    }
    with Server(endpoints) as server:
        sock = server.connect("/slow")
        assert server.post("/fast") == (200, b"fast")
        release.set()
        assert b"200" in sock.recv(1000)
        sock.close()


def test_too_many_waiting_requests_are_refused():
    release = threading.Event()
    endpoint = Endpoint(lambda context, body: b"%d" % release.wait(10))
    with Server({"/do": endpoint}, threads=1, max_queued=1) as server:
        socks = [server.connect("/do") for _ in range(5)]
        wait_until(lambda: server.gate.refusal() is not None)
        status, text = server.post("/do")
        assert status == 503
        assert b"runtime.max_queued_requests" in text
        release.set()
        for sock in socks:
            assert sock.recv(1000)
            sock.close()


def test_running_requests_are_finished_at_shutdown():
    started = threading.Event()

    def serve(context, body):
        started.set()
        time.sleep(0.3)
        return b"done"

    with Server({"/do": Endpoint(serve)}) as server:
        sock = server.connect("/do")
        assert started.wait(5)
        server.server.stop(1)
        data = b""
        while chunk := sock.recv(1000):
            data += chunk
        assert data.endswith(b"done")
        sock.close()


def test_broken_requests_do_not_harm():
    with Server({"/do": Endpoint(lambda context, body: b"fine")}) as server:
        for garbage in (b"\x00\xff\x16\x03\x01" * 50, b"POST /do\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
            sock = socket.create_connection(("127.0.0.1", server.port), timeout=5)
            sock.sendall(garbage)
            sock.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                sock.recv(1000)
            sock.close()
        assert server.post("/do") == (200, b"fine")


async def test_lifespan():
    workers = WorkerPool(1)
    app = AsgiApp(Application({}), workers=workers, gate=Gate(workers))
    sent: list[Any] = []

    async def send(message):
        sent.append(message)

    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive():
        return next(messages)

    await app({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


@pytest.mark.parametrize("count", [200])
def test_many_requests_on_one_connection(count):
    with Server({"/do": Endpoint(lambda context, body: body)}) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        for number in range(count):
            connection.request("POST", "/do", b"%d" % number)
            assert connection.getresponse().read() == b"%d" % number
        connection.close()
