"""How long clients may take, what they may leave unread, and what honest ones do often."""

from __future__ import annotations

import socket
import struct
import time

import grpc
import pytest

from caikit.runtime.engine import Gate, Reason, Shape, Status, WorkerPool
from caikit.runtime.transport.native import HttpService, Limits, NativeServer

CALM = 11
RECEIVE = b"POST /do HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n"


def upper(context, body):
    return body.upper()


def connect_reluctantly(server) -> socket.socket:
    """A client whose system takes little for it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(10)
    client.connect(("127.0.0.1", server.port))
    return client


def is_ended_by_server(client: socket.socket) -> bool:
    """It has ended the connection, not only said so."""
    try:
        client.send(b"x")
    except ConnectionError:
        return True
    return False


def dripping(native, kit, *pieces: bytes) -> tuple[int, str] | None:
    server = native(http={"/do": kit.HttpEndpoint(upper)}, limits=Limits(read_seconds=0.5))
    with server.speak() as client:
        end = time.monotonic() + 8
        client.send_all(pieces[0])
        for byte in b"".join(pieces[1:]):
            client.send_all(bytes([byte]))
            time.sleep(0.1)
            assert time.monotonic() < end
        return client.goodbye()


def test_a_head_that_comes_byte_by_byte_is_not_waited_for(native, kit):
    assert dripping(native, kit, kit.frame(kit.HEADERS, 4, 1, b"a" * 40)[:9], b"a" * 20) in (
        (CALM, "a frame that was not complete in time"),
        None,
    )


def test_a_block_that_is_continued_for_ever_is_not_waited_for(native, kit):
    more = kit.frame(kit.CONTINUATION, 0, 1, b"")
    found = dripping(native, kit, kit.frame(kit.HEADERS, 0, 1, b""), more * 2)
    assert found in ((CALM, "a frame that was not complete in time"), None)


@pytest.mark.parametrize("ending", [b"connection: close\r\n\r\n", b"\r\n"])
def test_answers_that_are_left_unread_at_the_end(native, kit, wait_until, ending):
    """They are smaller than what makes the server wait for a reader."""
    server = native(
        http={"/do": kit.HttpEndpoint(lambda context, body: b"x" * 3_000_000)},
        limits=Limits(stall_seconds=0.5, idle_seconds=0.2),
    )
    with connect_reluctantly(server) as client:
        client.sendall(RECEIVE + ending)
        wait_until(lambda: is_ended_by_server(client), 8)
    assert server.server.running == 0


def test_farewells_that_are_left_unread(native, kit, wait_until):
    server = native(http={"/do": kit.HttpEndpoint(upper)}, limits=Limits(stall_seconds=0.5))
    with connect_reluctantly(server) as client:
        ping = kit.frame(kit.PING, 0, 0, bytes(8))
        client.sendall(kit.PREFACE + kit.frame(kit.SETTINGS, 0, 0) + ping * 900)
        headers = b"".join(
            kit.frame(kit.HEADERS, 5, stream, b"\x83\x86\x84\0\1x\x7f\xf1\2" + b"a" * 500)
            for stream in range(1, 1801, 2)
        )
        client.sendall(headers)
        wait_until(lambda: is_ended_by_server(client), 8)
    assert server.server.running == 0


def test_a_head_that_comes_at_once_is_no_larger_than_others(native, kit):
    server = native(http={"/do": kit.HttpEndpoint(upper)})
    for head in (
        b"x: " + b"a" * 70_000 + b"\r\n",
        b"".join(b"x-%d: a\r\n" % number for number in range(8000)),
    ):
        answer = server.exchange(b"POST /do HTTP/1.1\r\nhost: x\r\n" + head + b"content-length: 0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert answer.count(b"HTTP/1.1") == 1
    answer = server.exchange(b"POST /" + b"a" * 70_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert server.post("/do", b"a", {"x": "a" * 60_000}) == (200, b"A")


def test_pings_with_each_answer_are_no_flood(native, kit):
    """Clients find out so how much fits on the way."""
    server = native(http={"/do": kit.HttpEndpoint(upper)}, limits=Limits(control_rate=(20, 0.1)))
    with server.speak() as client:
        for stream in range(1, 201, 2):
            client.request(stream, "/do", b"a")
            assert client.answer(stream)[1] == b"A"
            client.send(kit.frame(kit.PING, 0, 0, bytes(8)))
        client.send_all(kit.frame(kit.PING, 0, 0, bytes(8)) * 30)
        assert client.goodbye() == (CALM, "too many frames that carry nothing")


def test_clients_that_keep_no_table_are_told_that_there_is_none(native, kit):
    server = native(http={"/do": kit.HttpEndpoint(upper)})
    with server.speak(settings=struct.pack(">HI", 1, 0)) as client:
        client.decoder.max_allowed_table_size = 0
        for stream in (1, 3):
            client.request(stream, "/do", b"a")
            assert client.answer(stream)[1] == b"A"
    with server.speak() as client:
        client.request(1, "/do", b"a")
        client.answer(1)
        client.decoder.max_allowed_table_size = 100
        client.send(kit.frame(kit.SETTINGS, 0, 0, struct.pack(">HIHI", 1, 100, 1, 5000)))
        for stream in (3, 5):
            client.request(stream, "/nowhere", b"a")
            assert client.answer(stream)[0][":status"] == "404"


def test_many_requests_for_other_protocols_at_once(native, kit):
    server = native(http={"/do": kit.HttpEndpoint(upper)})
    one = b"POST /do HTTP/1.1\r\nhost: x\r\nupgrade: h2c\r\nconnection: upgrade\r\ncontent-length: 1\r\n\r\na"
    last = b"POST /do HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    answer = server.exchange(one * 1500 + last)
    assert answer.count(b"HTTP/1.1 200 ") == 1501


def test_a_long_stream_of_large_messages(native, kit):
    """Only what the server still holds is counted."""

    def serve(context, messages):
        return b"%d" % sum(len(message) for message in messages)

    server = native(grpc={"Do": kit.Method(serve, Shape.CLIENT_STREAM)}, max_held_bytes=2_000_000)
    with grpc.insecure_channel(server.target) as channel:
        call = channel.stream_unary("/tests.native.Service/Do")
        assert call((b"x" * 300_000 for _ in range(40)), timeout=20) == b"12000000"
    assert server.gate.bytes_held.held == 0


def test_wider_windows_are_acknowledged_before_they_are_used(native, kit):
    server = native(http={"/do": kit.HttpEndpoint(lambda context, body: b"x" * 100)})
    with server.speak(settings=struct.pack(">HI", 4, 0)) as client:
        client.request(1, "/do", b"")
        while client.read()[0] != kit.HEADERS:
            pass
        client.send(kit.frame(kit.SETTINGS, 0, 0, struct.pack(">HI", 4, 1000)))
        assert client.read()[:3] == (kit.SETTINGS, 1, 0)
        assert client.read() == (kit.DATA, 1, 1, b"x" * 100)


def test_bodies_that_are_given_up_are_counted(kit, wait_until):
    refused = []
    workers = WorkerPool(1)
    gate = Gate(workers, on_refusal=lambda status, reason: refused.append((status, reason)))
    application = kit.Application({"/do": kit.HttpEndpoint(upper)}, {})
    server = NativeServer(
        http=HttpService(application, workers=workers, gate=gate), limits=Limits(read_seconds=0.3)
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server.add_socket(listener)
    server.start()
    try:
        with kit.Frames(socket.create_connection(listener.getsockname(), timeout=10)) as client:
            client.send(kit.frame(kit.HEADERS, kit.END_HEADERS, 1, client.head()))
            client.send(kit.frame(kit.DATA, 0, 1, b"half"))
            assert client.answer(1) == ({"reset": "8"}, b"")
        wait_until(lambda: refused, 5)
        assert refused == [(Status.DEADLINE_EXCEEDED, Reason.TOO_SLOW)]
    finally:
        server.force_stop()
        assert server.join(10)
        assert workers.close(5)
