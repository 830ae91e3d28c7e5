from __future__ import annotations

import re
import threading
import time

import pytest

from caikit.runtime.transport.native import Limits


def upper(context, body):
    return body.upper()


def request(*headers: bytes, body: bytes = b"", path: bytes = b"/do", method: bytes = b"POST") -> bytes:
    return b"\r\n".join([method + b" " + path + b" HTTP/1.1", b"host: x", *headers, b"", body])


def test_unary_call(native, kit):
    def serve(context, body):
        assert threading.current_thread().name.startswith("caikit_runtime")
        assert context.headers["x-who"] == "me"
        assert context.native.headers["X-Who"] == "me"
        assert type(context.native).__module__ == "starlette.requests"
        assert context.native.client.host == "127.0.0.1"
        return body.upper()

    server = native(http={"/do": kit.HttpEndpoint(serve)})

    assert server.post("/do", b"abc", {"X-Who": "me"}) == (200, b"ABC")
    assert server.post("/other") == (404, b"/other")
    assert server.post("/do", b"", {"Content-Type": "bad"}) == (415, b"no")


def test_stream(native, kit):
    def serve(context, body):
        for number in range(100):
            yield b"%d," % number

    server = native(http={"/do": kit.HttpEndpoint(serve, streaming=True)})
    whole = b"".join(b"%d," % number for number in range(100))

    assert server.post("/do") == (200, whole)
    assert server.post("/do", b"bad") == (422, b"bad")
    old = server.exchange(b"POST /do HTTP/1.0\r\ncontent-length: 0\r\n\r\n")
    assert old.endswith(b"\r\n\r\n" + whole)
    assert b"chunked" not in old


def test_requests_in_a_row_are_answered_in_order(native, kit):
    def serve(context, body):
        time.sleep(0.02 if body == b"1" else 0)
        return body

    server = native(http={"/do": kit.HttpEndpoint(serve)})
    bodies = [b"%d" % number for number in range(1, 30)]
    requests = [request(b"content-length: %d" % len(body), body=body) for body in bodies]

    answer = server.exchange(b"".join(requests) + request(b"connection: close", b"content-length: 0"))

    assert re.findall(rb"\r\n\r\n(\d*)(?=HTTP|$)", answer) == [*bodies, b""]


def test_head_continue_and_ids(native, kit):
    server = native(http={"/do": kit.HttpEndpoint(upper)})
    with server.connect(request(b"content-length: 1", b"expect: 100-continue")) as client:
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"a")
        assert client.recv(1000).endswith(b"A")
    head = server.exchange(request(b"connection: close", method=b"HEAD"))
    assert head.startswith(b"HTTP/1.1 404 ")
    assert head.endswith(b"\r\n\r\n")
    known = server.exchange(request(b"connection: close", b"x-request-id: me-1", b"content-length: 0"))
    assert b"x-request-id: me-1\r\n" in known


def test_a_body_in_pieces(native, kit):
    server = native(http={"/do": kit.HttpEndpoint(upper)})
    with server.connect(request(b"transfer-encoding: chunked")) as client:
        for piece in (b"1\r\na\r\n", b"2;x=y\r\nb", b"c\r\n", b"0\r\nx-trailer: t\r\n", b"\r\n"):
            client.sendall(piece)
            time.sleep(0.01)
        assert client.recv(1000).endswith(b"\r\n\r\nABC")


@pytest.mark.parametrize(
    "data",
    [
        request(b"content-length: 1", b"content-length: 2", body=b"ab"),
        request(b"content-length: 1", b"transfer-encoding: chunked", body=b"0\r\n\r\n"),
        request(b"transfer-encoding: chunked, identity", body=b"0\r\n\r\n"),
        request(b"transfer-encoding: gzip, chunked", body=b"0\r\n\r\n"),
        request(b"transfer-encoding: chunked", body=b"1x\r\na\r\n0\r\n\r\n"),
        request(b"transfer-encoding: chunked", body=b"1\na\n0\n\n"),
        request(b"host: y", b"content-length: 0"),
        b"POST /do HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
        b"POST /do HTTP/1.1\nhost: x\ncontent-length: 0\n\n",
        request(b" folded: x", b"content-length: 0"),
        request(b"x : y", b"content-length: 0"),
        b"POST /do HTTP/2.0\r\nhost: x\r\n\r\n",
        *(
            request(b"content-length: " + length, body=b"a")
            for length in (b"+1", b"-1", b"0x1", b"1 1", b"1,1", b"")
        ),
        request(b"content-length: 99999999999999999999999", body=b"a"),
        *(
            request(b"transfer-encoding" + coding, body=b"0\r\n\r\n")
            for coding in (b": xchunked", b" : chunked", b":\x0bchunked", b": chunked, chunked", b": gzip")
        ),
        request(b"transfer-encoding: chunked", b"transfer-encoding: identity", body=b"0\r\n\r\n"),
        *(
            request(b"transfer-encoding: chunked", body=body)
            for body in (
                b"-1\r\na\r\n0\r\n\r\n",
                b"0x1\r\na\r\n0\r\n\r\n",
                b"+1\r\na\r\n0\r\n\r\n",
                b" 1\r\na\r\n0\r\n\r\n",
                b"\r\na\r\n0\r\n\r\n",
                b"1\r\nab0\r\n\r\n",
                b"1;a\nb\r\na\r\n0\r\n\r\n",
                b"fffffffffffffffff\r\na\r\n0\r\n\r\n",
            )
        ),
        request(b"x: a\0b", b"content-length: 0"),
        request(b"x: a\rb", b"content-length: 0"),
        request(b": x", b"content-length: 0"),
        request(b"x", b"content-length: 0"),
        request(b"x y: z", b"content-length: 0"),
        b"POST /d\0o HTTP/1.1\r\nhost: x\r\n\r\n",
        b"post /do HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST do HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /do HTTP/1.1 x\r\nhost: x\r\n\r\n",
        b"POST /do\r\n\r\n",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    ],
    ids=range(44),
)
def test_what_may_be_read_in_two_ways_is_refused(native, kit, data):
    called = []
    server = native(http={"/do": kit.HttpEndpoint(lambda context, body: called.append(body) or b"")})

    answer = server.exchange(data)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1


def test_limits_of_size(native, kit):
    server = native(http={"/do": kit.HttpEndpoint(upper)}, limits=Limits(head_bytes=2000))

    assert server.post("/do", b"a" * 100_000) == (200, b"A" * 100_000)
    assert server.exchange(request(b"content-length: 100001")).startswith(b"HTTP/1.1 413 ")
    chunk = b"8000\r\n" + b"a" * 0x8000 + b"\r\n"
    assert server.exchange(request(b"transfer-encoding: chunked", body=chunk * 4)).startswith(
        b"HTTP/1.1 413 "
    )
    with server.connect(b"POST /do HTTP/1.1\r\nhost: x\r\n") as client:
        time.sleep(0.05)
        client.sendall(b"x: " + b"a" * 3000)
        assert client.recv(1000).startswith(b"HTTP/1.1 431 ")
    with server.connect(request(b"transfer-encoding: chunked", body=b"0\r\n")) as client:
        time.sleep(0.05)
        client.sendall(b"x: " + b"a" * 3000)
        assert client.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_large_bodies_are_counted(native, kit):
    server = native(http={"/do": kit.HttpEndpoint(upper)}, max_body_size=10**6, max_held_bytes=100_000)

    assert server.post("/do", b"a" * 50_000)[0] == 200
    assert server.post("/do", b"a" * 500_000)[0] == 503
    assert server.post("/do", b"a" * 90_000)[0] == 200
    assert server.gate.bytes_held.held == 0


def test_slow_clients_are_told_so(native, kit):
    server = native(http={"/do": kit.HttpEndpoint(upper)}, limits=Limits(read_seconds=0.3))
    with server.connect() as silent, server.connect(b"POST /d") as half:
        assert half.recv(1000).startswith(b"HTTP/1.1 408 ")
        assert silent.recv(1000) == b""
    with server.connect(request(b"content-length: 5", body=b"ab")) as client:
        assert client.recv(1000).startswith(b"HTTP/1.1 408 ")
    assert server.server.running == 0


def test_a_client_that_leaves_ends_its_request(native, kit, wait_until):
    state = []

    def serve(context, body):
        state.append("begun")
        while not context.cancel.cancelled:
            time.sleep(0.005)
        state.append("ended")
        return b""

    server = native(http={"/do": kit.HttpEndpoint(serve)})
    client = server.connect(request(b"content-length: 0"))
    wait_until(lambda: "begun" in state)
    client.close()
    wait_until(lambda: "ended" in state)
    wait_until(lambda: server.server.running == 0)


def test_a_client_that_does_not_read_pauses_the_stream(native, kit, wait_until):
    made = []

    def serve(context, body):
        try:
            while True:
                made.append(1)
                yield b"x" * 10_000
        finally:
            made.append("ended")

    server = native(http={"/do": kit.HttpEndpoint(serve, streaming=True)})
    client = server.connect(request(b"content-length: 0"))
    client.recv(1000)
    time.sleep(0.3)
    count = len(made)
    time.sleep(0.3)
    assert len(made) == count < 2000
    client.close()
    wait_until(lambda: made[-1] == "ended")


def test_a_client_that_never_reads_is_disconnected(native, kit, wait_until):
    ended = threading.Event()

    def serve(context, body):
        try:
            while True:
                yield b"x" * 10_000
        finally:
            ended.set()

    server = native(http={"/do": kit.HttpEndpoint(serve, streaming=True)}, limits=Limits(stall_seconds=0.3))
    with server.connect(request(b"content-length: 0")):
        assert ended.wait(5)


def test_lines_are_read_as_they_come(native, kit):
    def serve(context, lines):
        for line in lines:
            yield line.upper() + b"\n"

    server = native(http={"/do": kit.LinesEndpoint(serve, streaming=True)})
    with server.connect(request(b"transfer-encoding: chunked")) as client:
        client.sendall(b"4\r\none\n\r\n")
        received = b""
        while b"ONE" not in received:
            received += client.recv(1000)
        client.sendall(b"3\r\ntwo\r\n0\r\n\r\n")
        while not received.endswith(b"0\r\n\r\n"):
            received += client.recv(1000)
    assert b"TWO" in received


def test_a_stop_lets_requests_end_and_tells_those_that_do_not(native, kit):
    def serve(context, body):
        end = time.monotonic() + float(body)
        while time.monotonic() < end and not context.cancel.cancelled:
            time.sleep(0.005)
        return b"done"

    server = native(http={"/do": kit.HttpEndpoint(serve)})
    with (
        server.connect(request(b"content-length: 3", body=b"0.3")) as quick,
        server.connect(request(b"content-length: 2", body=b"30")) as slow,
        server.connect(request(b"content-length: 2", body=b"3")) as half,
        server.connect() as idle,
    ):
        time.sleep(0.1)
        ended = server.server.stop(0.8)
        answer = quick.recv(1000)
        assert answer.endswith(b"done")
        assert b"connection: close\r\n" in answer
        assert half.recv(1000).startswith(b"HTTP/1.1 503 ")
        assert idle.recv(1000) == b""
        assert slow.recv(1000).startswith(b"HTTP/1.1 503 ")
        assert ended.wait(5)
