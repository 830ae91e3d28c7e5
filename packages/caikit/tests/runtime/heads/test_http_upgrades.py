"""Requests that offer another protocol, as HTTP/2 clients do in clear text: the offer is not taken."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from caikit.runtime.engine import Engine, Gate, Observer, WorkerPool
from caikit.runtime.heads.http import HttpHead
from caikit.runtime.transport.asgi import AsgiApp
from caikit.runtime.transport.uvicorn_server import UvicornServer

BODY = b'{"model_id": "m", "inputs": "a"}'


def offer(
    body: bytes | None = BODY,
    *,
    path: str = "/task/show",
    method: str = "POST",
    protocol: str = "h2c",
    chunked: bool = False,
) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: x",
        "Connection: Upgrade, HTTP2-Settings",
        f"Upgrade: {protocol}",
        "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
        "Content-Type: application/json",
    ]
    content = body or b""
    if chunked:
        lines.append("Transfer-Encoding: chunked")
        content = b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)
    elif body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + content


@pytest.fixture
def port(kit) -> Iterator[int]:
    workers = WorkerPool(2)
    engine = Engine(gate=Gate(workers), observer=Observer())
    head = HttpHead(engine, kit.operations, title="Tests", version="1", description="")
    listener = socket.create_server(("127.0.0.1", 0))
    server = UvicornServer(AsgiApp(head, workers=workers, gate=engine.gate), listener)
    server.start()
    yield listener.getsockname()[1]
    server.stop(1)
    assert server.join(5)
    assert workers.close(5)


def answers(client: socket.socket, count: int) -> bytes:
    received = b""
    end = time.monotonic() + 10
    while received.count(b"HTTP/1.1 ") < count or not received.endswith((b"}", b"OK")):
        assert time.monotonic() < end, received
        received += client.recv(65536)
    return received


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "other"])
@pytest.mark.parametrize("chunked", [False, True])
def test_the_body_is_read(port, protocol, chunked):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(offer(protocol=protocol, chunked=chunked))
        received = answers(client, 1)
        assert received.startswith(b"HTTP/1.1 200 OK")
        assert received.endswith(b'{"seen": {"model": "m", "text": "a"}}')
        # The connection stays what it is.
        client.sendall(offer(protocol=protocol))
        assert answers(client, 1).startswith(b"HTTP/1.1 200 OK")


def test_requests_that_are_sent_ahead(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        health = offer(None, method="GET", path="/health")
        client.sendall(offer() + offer(chunked=True) + health + offer())
        assert answers(client, 4).count(b"HTTP/1.1 200 OK") == 4


def test_byte_by_byte(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in offer(chunked=True) + offer():
            client.sendall(bytes([byte]))
        assert answers(client, 2).count(b"HTTP/1.1 200 OK") == 2


def test_a_body_that_is_none(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(offer(chunked=True).replace(b"0\r\n\r\n", b"zzz\r\n\r\n"))
        assert client.recv(65536).startswith(b"HTTP/1.1 400")
