"""What becomes of HTTP requests that come when their server stops, over both transports."""

from __future__ import annotations

import http.client
import socket
import threading
import time

import pytest

from caikit.runtime.engine import Gate, WorkerPool
from caikit.runtime.transport.asgi import AsgiApp
from caikit.runtime.transport.uvicorn_server import UvicornServer

HEAD = b"POST /do HTTP/1.1\r\nhost: x\r\n"


def request(body: bytes) -> bytes:
    return HEAD + b"content-length: %d\r\n\r\n%b" % (len(body), body)


class Standard:
    def __init__(self, kit, endpoints):
        self.workers = WorkerPool(4)
        application = kit.Application(endpoints, {})
        app = AsgiApp(application, workers=self.workers, gate=Gate(self.workers))
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.server = UvicornServer(app, listener)
        self.server.start()

    def close(self):
        self.server.stop(1)
        assert self.server.join(10)
        assert self.workers.close(5)


@pytest.fixture(params=["standard", "native"])
def serve(request, native, kit):
    """Starts a server with one endpoint; returns what stops it and its port."""
    started = []

    def start(work, **settings):
        endpoints = {"/do": kit.HttpEndpoint(work, **settings)}
        server = native(http=endpoints) if request.param == "native" else Standard(kit, endpoints)
        started.append(server)
        return server.server, server.port

    yield start
    for server in started:
        if isinstance(server, Standard):
            server.close()


def connect(port: int, data: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    client.sendall(data)
    return client


def read_all(client: socket.socket) -> bytes:
    received = b""
    while chunk := client.recv(65536):
        received += chunk
    return received


def echo(context, body):
    return b"<%b>" % body


def test_a_connection_that_was_used_may_ask_once_more(serve):
    server, port = serve(echo)
    with connect(port, request(b"one")) as client:
        first = client.recv(65536)
        assert first.endswith(b"<one>")
        assert b"connection: close" not in first
        server.stop(5)
        time.sleep(0.1)
        client.sendall(request(b"two"))
        answer = read_all(client)
    assert answer.endswith(b"<two>")
    assert server.join(10)


def test_a_client_that_has_just_connected_may_ask(serve):
    server, port = serve(echo)
    with connect(port) as client:
        server.stop(5)
        time.sleep(0.6)
        client.sendall(request(b"one"))
        answer = read_all(client)
    assert answer.endswith(b"<one>")
    assert b"connection: close\r\n" in answer
    assert server.join(10)


@pytest.mark.parametrize("complete", [True, False])
def test_a_head_that_has_begun_to_come_is_waited_for_or_refused(serve, complete):
    server, port = serve(echo)
    with connect(port, HEAD) as client:
        time.sleep(0.05)
        server.stop(5)
        if complete:
            time.sleep(0.1)
            client.sendall(b"content-length: 3\r\n\r\none")
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 200 " if complete else b"HTTP/1.1 503 ")
    assert b"connection: close\r\n" in answer
    assert server.join(10)


def test_who_was_not_told_that_an_answer_is_the_last_may_ask_once_more(serve):
    said, release = threading.Event(), threading.Event()

    def stream(context, body):
        yield b"first;"
        said.set()
        if body == b"one":
            release.wait(10)
        yield b"last;"

    server, port = serve(stream, streaming=True)
    with connect(port, request(b"one")) as client:
        assert said.wait(5)
        received = b""
        while b"first;" not in received:
            received += client.recv(65536)
        server.stop(10)
        # Longer than idle connections have.
        time.sleep(0.6)
        release.set()
        while not received.endswith(b"0\r\n\r\n"):
            received += client.recv(65536)
        assert b"connection: close" not in received
        client.sendall(request(b"two"))
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"0\r\n\r\n")
    assert server.join(10)


def test_requests_that_were_sent_ahead_are_answered(serve):
    started, release = threading.Event(), threading.Event()

    def work(context, body):
        started.set()
        release.wait(10)
        return echo(context, body)

    server, port = serve(work)
    with connect(port, request(b"one") + request(b"two")) as client:
        assert started.wait(5)
        server.stop(10)
        time.sleep(0.5)
        release.set()
        answers = read_all(client)
    assert [b"<one>" in answers, b"<two>" in answers] == [True, True]
    assert answers.count(b"connection: close\r\n") == 1
    assert server.join(10)


def test_idle_connections_do_not_hold_the_end_for_long(serve):
    server, port = serve(echo)
    with connect(port, request(b"one")) as used, connect(port) as unused:
        assert used.recv(65536).endswith(b"<one>")
        begin = time.monotonic()
        server.stop(60)
        assert server.join(20)
        assert time.monotonic() - begin < 15
        assert (used.recv(1), unused.recv(1)) == (b"", b"")


def test_clients_that_ask_again_and_again_are_never_left_without_an_answer(serve):
    server, port = serve(echo)
    outcomes: list[str] = []

    def ask(kept: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            while True:
                if connection.sock is None:
                    connection.connect()
                connection.request("POST", "/do", b"one")
                response = connection.getresponse()
                answer = response.read()
                if response.status == 503:
                    # Its body was still to come.
                    outcomes.append("refused")
                    return
                outcomes.append("answered" if answer == b"<one>" else "broken")
                if not kept:
                    connection.close()
        except ConnectionRefusedError:
            outcomes.append("refused")
        except (ConnectionError, http.client.HTTPException) as error:
            outcomes.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(index % 2 == 0,)) for index in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    server.stop(10)
    for thread in threads:
        thread.join(20)
    assert set(outcomes) == {"answered", "refused"}
    assert outcomes.count("refused") == len(threads)
    assert server.join(10)
