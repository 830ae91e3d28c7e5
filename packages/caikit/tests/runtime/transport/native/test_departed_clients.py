"""Clients that leave while much waits to be written for them, over both transports."""

from __future__ import annotations

import socket
import struct
import threading
import time

import pytest

from caikit.runtime.engine import Gate, WorkerPool
from caikit.runtime.transport.asgi import AsgiApp
from caikit.runtime.transport.native import Limits
from caikit.runtime.transport.uvicorn_server import UvicornServer

REQUEST = b"POST /do HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
LARGEST_WINDOW = 2**31 - 1
SETTING_INITIAL_WINDOW = 4


class Endless:
    """Says more than anybody can take, and tells when nobody wants it any more."""

    def __init__(self):
        self.gone = threading.Event()
        self.said = 0

    def __call__(self, context, body):
        context.cancel.on_cancel(self.gone.set)
        while True:
            self.said += 1
            yield b"." * 65536

    def wait_until_stuck(self):
        end = time.monotonic() + 10
        seen = -1
        while seen != self.said or not seen:
            assert time.monotonic() < end, "it never ends"
            seen = self.said
            time.sleep(0.1)


class Standard:
    def __init__(self, kit, endpoint):
        self.workers = WorkerPool(2)
        app = AsgiApp(kit.Application({"/do": endpoint}, {}), workers=self.workers, gate=Gate(self.workers))
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.server = UvicornServer(app, listener)
        self.server.start()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.server.stop(0.2)
        assert self.server.join(10)
        assert self.workers.close(5)


@pytest.mark.parametrize("ending", ["half", "whole"])
def test_events_over_native(native, kit, ending):
    work = Endless()
    server = native(http={"/do": kit.HttpEndpoint(work, streaming=True)}, limits=Limits(stall_seconds=60))
    _leave_full(work, server.port, ending)


@pytest.mark.parametrize("ending", ["half", "whole"])
def test_events_over_uvicorn(kit, ending):
    work = Endless()
    with Standard(kit, kit.HttpEndpoint(work, streaming=True)) as server:
        _leave_full(work, server.port, ending)


def _leave_full(work, port, ending):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(REQUEST)
        work.wait_until_stuck()
        if ending == "half":
            client.shutdown(socket.SHUT_WR)
        else:
            client.close()
        assert work.gone.wait(10)


@pytest.mark.parametrize("ending", ["half", "whole"])
@pytest.mark.parametrize("full", ["window", "connection"])
def test_streams_of_http2(native, kit, ending, full):
    work = Endless()
    server = native(http={"/do": kit.HttpEndpoint(work, streaming=True)}, limits=Limits(stall_seconds=60))
    window = LARGEST_WINDOW if full == "connection" else 100_000
    with server.speak(settings=struct.pack(">HI", SETTING_INITIAL_WINDOW, window)) as client:
        if full == "connection":
            client.send(kit.frame(kit.WINDOW_UPDATE, 0, 0, struct.pack(">I", LARGEST_WINDOW - 65535)))
        client.request(1, "/do", b"")
        work.wait_until_stuck()
        if ending == "half":
            client.socket.shutdown(socket.SHUT_WR)
        else:
            client.socket.close()
        assert work.gone.wait(10)


def test_what_was_written_reaches_a_client_that_says_no_more(native, kit):
    answer = b"." * 3_000_000
    server = native(http={"/do": kit.HttpEndpoint(lambda context, body: answer)})
    with server.connect(REQUEST) as client:
        received = client.recv(1000)
        client.shutdown(socket.SHUT_WR)
        while chunk := client.recv(65536):
            received += chunk
    assert received.endswith(b"\r\n\r\n" + answer)
