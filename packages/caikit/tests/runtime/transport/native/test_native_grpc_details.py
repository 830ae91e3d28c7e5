from __future__ import annotations

import gzip
import socket
import threading
import time

import grpc
import pytest

from caikit.runtime.engine import Gate, Shape, WorkerPool
from caikit.runtime.transport.native import HttpService, Limits, NativeServer

PATH = "/tests.native.Service/"
GRPC = ("content-type", "application/grpc"), ("te", "trailers")
LARGE = b"a" * 10_000


class Nothing:
    """An application without paths."""

    endpoints = sockets = {}


def upper(context, body):
    return body.upper()


def message(content: bytes, flag: int = 0) -> bytes:
    return bytes([flag]) + len(content).to_bytes(4, "big") + content


@pytest.fixture
def ask(kit):
    """One call, frame by frame: headers and trailers, and the body."""

    def ask(client, stream, body, *headers, path="Do"):
        client.request(stream, PATH + path, message(body), *GRPC, *headers)
        return client.answer(stream)

    return ask


def test_answers_are_compressed_for_clients_that_accept_it(native, kit, ask):
    server = native(grpc={"Do": kit.Method(upper)}, compression=b"gzip")
    with server.speak() as client:
        accept = ("grpc-accept-encoding", "identity, deflate, gzip")
        headers, body = ask(client, 1, LARGE, accept)
        assert (headers["grpc-encoding"], headers["grpc-status"], body[0]) == ("gzip", "0", 1)
        assert gzip.decompress(body[5:]) == LARGE.upper()
        # What would not become smaller is sent as it is.
        assert ask(client, 3, b"a", accept)[1] == message(b"A")
        for stream, accepted in ((5, ()), (7, [("grpc-accept-encoding", "identity,deflate")])):
            headers, body = ask(client, stream, LARGE, *accepted)
            assert "grpc-encoding" not in headers
            assert body == message(LARGE.upper())


def test_models_choose_the_compression(native, kit, ask):
    def serve(context, body):
        context.native.set_compression(grpc.Compression.Deflate)
        if body == b"first":
            context.native.disable_next_message_compression()
        for _ in range(2):
            yield LARGE

    server = native(grpc={"Do": kit.Method(serve, Shape.SERVER_STREAM)})
    accept = ("grpc-accept-encoding", "deflate")
    with server.speak() as client:
        headers, body = ask(client, 1, b"all", accept)
        assert headers["grpc-encoding"] == "deflate"
        assert len(body) < 200
        _, body = ask(client, 3, b"first", accept)
        assert body.startswith(message(LARGE))
        assert len(body) < len(LARGE) + 200
        headers, body = ask(client, 5, b"all")
        assert "grpc-encoding" not in headers
        assert body == message(LARGE) * 2
    with grpc.insecure_channel(server.target) as channel:
        assert list(channel.unary_stream(PATH + "Do")(b"all", timeout=5)) == [LARGE] * 2


def test_compressed_messages_of_a_stream(native, kit):
    def join(context, body):
        return b"|".join(body)

    server = native(grpc={"Do": kit.Method(join, Shape.CLIENT_STREAM)}, longest_message=200_000)
    with grpc.insecure_channel(server.target) as channel:
        call = channel.stream_unary(PATH + "Do")
        given = [LARGE, b"", b"b" * 5000]
        assert call(iter(given), compression=grpc.Compression.Gzip, timeout=5) == b"|".join(given)
        with pytest.raises(grpc.RpcError, match="larger than max") as raised:
            call(iter([LARGE, b"a" * 200_001]), compression=grpc.Compression.Gzip, timeout=5)
        assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_bomb_does_not_keep_others_waiting(native, kit, ask):
    """Messages are decompressed in workers, and never further than their limit."""
    server = native(grpc={"Do": kit.Method(upper)}, longest_message=100_000)
    bomb = gzip.compress(b"\0" * 10_000_000)
    with server.speak() as client:
        client.request(1, PATH + "Do", message(bomb, 1), *GRPC, ("grpc-encoding", "gzip"))
        headers, _ = client.answer(1)
        assert headers["grpc-status"] == "8"
        for stream, (flag, content, encoding) in enumerate(
            (
                (1, b"no gzip", "gzip"),
                (1, gzip.compress(LARGE)[:-4], "gzip"),
                (1, gzip.compress(LARGE) * 2, "gzip"),
                (1, b"a", "identity"),
            )
        ):
            number = 3 + 2 * stream
            client.request(number, PATH + "Do", message(content, flag), *GRPC, ("grpc-encoding", encoding))
            headers, _ = client.answer(number)
            assert headers["grpc-status"] == "13"
            assert "compress" in headers["grpc-message"]


def test_answers_that_are_too_large(native, kit):
    server = native(grpc={"Do": kit.Method(upper)}, longest_answer=1000)
    with grpc.insecure_channel(server.target) as channel:
        call = channel.unary_unary(PATH + "Do")
        assert call(b"a" * 1000, timeout=5) == b"A" * 1000
        with pytest.raises(grpc.RpcError, match=r"Sent message larger than max \(1001 vs. 1000\)") as raised:
            call(b"a" * 1001, timeout=5)
        assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_metadata_that_is_too_large_costs_one_call(native, kit):
    server = native(
        grpc={"Do": kit.Method(upper)},
        http={"/do": kit.HttpEndpoint(upper)},
        limits=Limits(head_bytes=2000),
    )
    with grpc.insecure_channel(server.target) as channel:
        call = channel.unary_unary(PATH + "Do")
        for _ in range(3):
            assert call(b"a", metadata=[("x", "b" * 1000)], timeout=5) == b"A"
            with pytest.raises(grpc.RpcError, match="larger than 2000 bytes") as raised:
                call(b"a", metadata=[("x", "b" * 1500)], timeout=5)
            assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    with server.speak() as client:
        client.request(1, "/do", b"a", ("x", "b" * 1500), ("y", "c" * 400))
        assert client.answer(1)[0] == {":status": "431"}
        # The table has seen all headers, also those that nobody waited for.
        client.request(3, "/do", b"a", ("y", "c" * 400))
        assert client.answer(3)[1] == b"A"


def test_a_port_without_grpc_says_so(kit):
    workers = WorkerPool(1)
    server = NativeServer(http=HttpService(Nothing(), workers=workers, gate=Gate(workers)))
    listener = socket.create_server(("127.0.0.1", 0))
    server.add_socket(listener)
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{listener.getsockname()[1]}") as channel:
        with pytest.raises(grpc.RpcError, match="speaks HTTP, not gRPC") as raised:
            channel.unary_unary(PATH + "Do")(b"a", timeout=5)
        assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
    server.stop(1)
    assert server.join(5)
    assert workers.close(5)


def test_old_connections_end_and_their_calls_do_not(native, kit):
    def serve(context, body):
        for number in range(9):
            context.cancel.raise_if_cancelled()
            time.sleep(0.06)
            yield b"%d" % number

    server = native(grpc={"Do": kit.Method(serve, Shape.SERVER_STREAM)}, limits=Limits(age_seconds=0.2))
    with server.speak() as client:
        client.request(1, PATH + "Do", message(b""), *GRPC)
        kinds = []
        while (found := client.read()) is not None:
            kinds.append((found[0], found[1] & 1))
        assert kinds.count((kit.GOAWAY, 0)) == 2
        assert sum(kind == kit.DATA for kind, _ in kinds) == 9
        assert (kit.HEADERS, 1) in kinds, "the trailers have come"
    with grpc.insecure_channel(server.target) as channel:
        for _ in range(2):
            assert len(list(channel.unary_stream(PATH + "Do")(b"", timeout=10))) == 9


def test_calls_on_old_connections_end_after_a_while(native, kit):
    def serve(context, body):
        while not context.cancel.cancelled:
            yield b"a"
            # No faster than the client, which would first have to read all that came before the end.
            time.sleep(0.002)

    server = native(
        grpc={"Do": kit.Method(serve, Shape.SERVER_STREAM)},
        limits=Limits(age_seconds=0.2, age_grace_seconds=0.3),
    )
    with grpc.insecure_channel(server.target) as channel:
        with pytest.raises(grpc.RpcError) as raised:
            list(channel.unary_stream(PATH + "Do")(b"", timeout=10))
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


def test_connections_that_nobody_uses_end(native, kit, ask):
    server = native(grpc={"Do": kit.Method(upper)}, limits=Limits(unused_seconds=0.5))
    with server.speak() as client:
        assert ask(client, 1, b"a")[1] == message(b"A")
        assert client.goodbye() == (0, "")


def test_a_client_that_does_not_answer_pings_is_gone(native, kit, ask):
    server = native(grpc={"Do": kit.Method(upper)}, limits=Limits(idle_seconds=0.3, ping_seconds=0.3))
    with server.speak() as client:
        assert ask(client, 1, b"a")[1] == message(b"A")
        kinds = []
        while (found := client.read()) is not None:
            kinds.append(found[0])
        assert kit.PING in kinds
    with server.speak() as client:
        for number in (1, 3):
            while (found := client.read())[0] != kit.PING:
                pass
            client.send(kit.frame(kit.PING, 1, 0, found[3]))
            assert ask(client, number, b"a")[1] == message(b"A")


@pytest.mark.parametrize("size", [70_000, 200_000])
def test_metadata_in_many_frames_that_is_too_large_costs_one_call(native, kit, size):
    begun, release = threading.Event(), threading.Event()

    def hold(context, body):
        begun.set()
        release.wait(10)
        return b"held"

    server = native(grpc={"Do": kit.Method(upper), "Hold": kit.Method(hold)})
    with grpc.insecure_channel(server.target) as channel:
        held = channel.unary_unary(PATH + "Hold").future(b"", timeout=10)
        assert begun.wait(5)
        with pytest.raises(grpc.RpcError, match="larger than 65536 bytes") as raised:
            channel.unary_unary(PATH + "Do")(b"a", metadata=[("x", "b" * size)], timeout=5)
        release.set()
        assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert held.result() == b"held"


@pytest.mark.parametrize("seconds", [0.3, 2.4])
def test_calls_end_at_their_deadline(native, kit, seconds):
    cancelled = threading.Event()

    def wait(context, body):
        while not context.cancel.cancelled:
            time.sleep(0.005)
        cancelled.set()
        return b""

    server = native(grpc={"Wait": kit.Method(wait)})
    with server.speak() as client:
        begin = time.monotonic()
        headers = [("content-type", "application/grpc"), ("grpc-timeout", f"{seconds * 1000:g}m")]
        client.request(1, "/tests.native.Service/Wait", b"\0\0\0\0\0", *headers)
        answer, _ = client.answer(1)
    assert answer["grpc-status"] == "4"
    assert time.monotonic() - begin >= seconds
    assert cancelled.wait(5)
