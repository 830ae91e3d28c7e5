from __future__ import annotations

import ssl
import struct
import threading
import time
from pathlib import Path

import grpc

from caikit.runtime.transport.native import Limits, make_context

CERTS = Path(__file__).parents[2] / "servers" / "certs"
WINDOW = 4


def upper(context, body):
    return body.upper()


def test_json_and_streams_over_http2(native, kit):
    def serve(context, body):
        assert context.native.scope["http_version"] == "2"
        for number in range(5):
            yield b"%d," % number

    endpoints = {"/do": kit.HttpEndpoint(upper), "/stream": kit.HttpEndpoint(serve, streaming=True)}
    server = native(http=endpoints)
    with server.speak() as client:
        for stream in range(1, 21, 2):
            client.request(stream, "/do", b"abc%d" % stream)
            headers, body = client.answer(stream)
            assert (headers[":status"], body) == ("200", b"ABC%d" % stream)
            assert headers["content-length"] == str(len(body))
        client.request(21, "/stream", b"")
        headers, body = client.answer(21)
        assert body == b"0,1,2,3,4,"
        assert "connection" not in headers
        client.request(23, "/nowhere", b"")
        assert client.answer(23)[0][":status"] == "404"
        client.request(25, "/do", b"x" * 10, ("content-length", "9"))
        assert client.answer(25)[0] == {"reset": "1"}


def test_all_protocols_on_one_port(native, kit):
    server = native(
        http={"/do": kit.HttpEndpoint(upper)}, grpc={"Do": kit.Method(lambda context, body: body.lower())}
    )

    assert server.post("/do", b"a") == (200, b"A")
    with server.speak() as client:
        client.request(1, "/do", b"b")
        assert client.answer(1)[1] == b"B"
    with grpc.insecure_channel(server.target) as channel:
        assert channel.unary_unary("/tests.native.Service/Do")(b"C", timeout=5) == b"c"


def test_answers_wait_for_the_windows_of_the_client(native, kit):
    def serve(context, body):
        return b"x" * 50_000

    server = native(http={"/do": kit.HttpEndpoint(serve)})
    with server.speak(settings=struct.pack(">HI", WINDOW, 10)) as client:
        client.request(1, "/do", b"")
        client.request(3, "/do", b"")
        seen = {1: 0, 3: 0}
        while min(seen.values()) < 10:
            kind, _, stream, payload = client.read()
            if kind == kit.DATA:
                seen[stream] += len(payload)
        assert seen == {1: 10, 3: 10}
        grow = struct.pack(">I", 49_990)
        client.send(
            kit.frame(kit.WINDOW_UPDATE, 0, 0, struct.pack(">I", 100_000))
            + kit.frame(kit.WINDOW_UPDATE, 0, 1, grow)
            + kit.frame(kit.WINDOW_UPDATE, 0, 3, grow)
        )
        while min(seen.values()) < 50_000:
            kind, _, stream, payload = client.read()
            if kind == kit.DATA:
                seen[stream] += len(payload)
        assert seen == {1: 50_000, 3: 50_000}


def test_a_client_that_opens_no_window_pauses_the_stream_and_is_given_up(native, kit):
    made, ended = [], threading.Event()

    def serve(context, body):
        try:
            while True:
                made.append(1)
                yield b"x" * 1000
        finally:
            ended.set()

    server = native(
        http={"/do": kit.HttpEndpoint(serve, streaming=True), "/other": kit.HttpEndpoint(upper)},
        limits=Limits(stall_seconds=0.8),
    )
    with server.speak() as client:
        client.request(1, "/do", b"")
        time.sleep(0.3)
        count = len(made)
        assert 60 < count < 200
        time.sleep(0.2)
        assert len(made) == count
        assert ended.wait(5)


def test_a_large_body_opens_the_window_as_it_is_read(native, kit):
    server = native(http={"/do": kit.HttpEndpoint(upper)}, max_body_size=10**7)
    with server.speak() as client:
        client.send(kit.frame(kit.HEADERS, kit.END_HEADERS, 1, client.head()))
        left, credit = 1_000_000, 256 * 1024
        while left:
            while credit < 16_000:
                kind, _, stream, payload = client.read()
                if kind == kit.WINDOW_UPDATE and stream == 1:
                    credit += int.from_bytes(payload, "big")
            size = min(left, 16_000)
            left -= size
            credit -= size
            client.send(kit.frame(kit.DATA, 0 if left else kit.END_STREAM, 1, b"a" * size))
        client.send(kit.frame(kit.WINDOW_UPDATE, 0, 0, struct.pack(">I", 10**6)))
        client.send(kit.frame(kit.WINDOW_UPDATE, 0, 1, struct.pack(">I", 10**6)))
        assert client.answer(1)[1] == b"A" * 1_000_000


def test_a_stop_serves_what_runs_and_says_goodbye(native, kit):
    def serve(context, body):
        time.sleep(0.3)
        return body

    server = native(http={"/do": kit.HttpEndpoint(serve)})
    with server.speak() as client, server.speak() as idle:
        client.request(1, "/do", b"a")
        time.sleep(0.1)
        ended = server.server.stop(5)
        kinds = []
        while found := client.read():
            kinds.append((found[0], found[3][:4]))
        assert (kit.DATA, b"a") in kinds
        goodbyes = [payload for kind, payload in kinds if kind == kit.GOAWAY]
        assert goodbyes == [b"\x7f\xff\xff\xff", b"\0\0\0\1"]
        assert idle.goodbye() == (0, "")
        assert ended.wait(5)


def test_tls_lets_the_client_choose(native, kit):
    context = make_context(
        str(CERTS / "server.pem"), str(CERTS / "server.key"), [], protocols=("h2", "http/1.1")
    )
    server = native(http={"/do": kit.HttpEndpoint(lambda context, body: b"ok")}, tls=context)
    for protocol, hello, expected in (
        ("h2", kit.PREFACE + kit.frame(kit.SETTINGS, 0, 0), b"\0\0"),
        ("http/1.1", b"POST /do HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n", b"HTTP/1.1 200 "),
    ):
        client_context = ssl.create_default_context(cafile=str(CERTS / "ca.pem"))
        client_context.set_alpn_protocols([protocol])
        with client_context.wrap_socket(server.connect(), server_hostname="localhost") as client:
            assert client.selected_alpn_protocol() == protocol
            client.sendall(hello)
            assert client.recv(1000).startswith(expected)
