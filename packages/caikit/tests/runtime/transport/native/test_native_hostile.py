from __future__ import annotations

import random
import struct
import time

import pytest

from caikit.runtime.transport.native import Limits

PROTOCOL, FLOW, CLOSED, SIZE, COMPRESSION, CALM = 1, 3, 5, 6, 9, 11


def upper(context, body):
    return body.upper()


def number(value: int) -> bytes:
    return struct.pack(">I", value)


@pytest.fixture
def server(native, kit):
    return native(
        http={"/do": kit.HttpEndpoint(upper)},
        grpc={"Do": kit.Method(upper)},
        limits=Limits(read_seconds=1, stream_window=70_000, connection_window=100_000, max_streams=10),
    )


def check(server) -> None:
    """The server goes on for others, and has forgotten what was."""
    assert server.post("/do", b"a") == (200, b"A")
    end = time.monotonic() + 5
    while server.server.running:
        assert time.monotonic() < end
        time.sleep(0.01)


SETTING = struct.pack(">HI", 4, 2**31)
FAULTS = {
    "a frame that is too large": (lambda c, k: k.frame(k.DATA, 0, 1, b"a" * 16385), SIZE),
    "headers on an even stream": (lambda c, k: k.frame(k.HEADERS, 4, 2, c.head()), PROTOCOL),
    "data on stream 0": (lambda c, k: k.frame(k.DATA, 0, 0, b"a"), PROTOCOL),
    "data on a stream that is not open": (lambda c, k: k.frame(k.DATA, 0, 1, b"a"), PROTOCOL),
    "a reset of a stream that is not open": (lambda c, k: k.frame(k.RST_STREAM, 0, 1, number(8)), PROTOCOL),
    "a window of a stream that is not open": (
        lambda c, k: k.frame(k.WINDOW_UPDATE, 0, 1, number(1)),
        PROTOCOL,
    ),
    "a window that is too large": (lambda c, k: k.frame(k.WINDOW_UPDATE, 0, 0, number(2**31 - 1)), FLOW),
    "a window that does not grow": (lambda c, k: k.frame(k.WINDOW_UPDATE, 0, 0, number(0)), PROTOCOL),
    "a short window update": (lambda c, k: k.frame(k.WINDOW_UPDATE, 0, 0, b"a"), SIZE),
    "a setting out of range": (lambda c, k: k.frame(k.SETTINGS, 0, 0, SETTING), FLOW),
    "settings of a wrong size": (lambda c, k: k.frame(k.SETTINGS, 0, 0, b"a" * 5), SIZE),
    "settings on a stream": (lambda c, k: k.frame(k.SETTINGS, 0, 1), PROTOCOL),
    "settings that are heard and said": (lambda c, k: k.frame(k.SETTINGS, 1, 0, b"a" * 6), SIZE),
    "a push that is allowed twice": (
        lambda c, k: k.frame(k.SETTINGS, 0, 0, struct.pack(">HI", 2, 2)),
        PROTOCOL,
    ),
    "frames that are too small": (
        lambda c, k: k.frame(k.SETTINGS, 0, 0, struct.pack(">HI", 5, 99)),
        PROTOCOL,
    ),
    "frames that are too large": (
        lambda c, k: k.frame(k.SETTINGS, 0, 0, struct.pack(">HI", 5, 2**24)),
        PROTOCOL,
    ),
    "a short ping": (lambda c, k: k.frame(k.PING, 0, 0, b"a"), SIZE),
    "a ping on a stream": (lambda c, k: k.frame(k.PING, 0, 1, b"a" * 8), PROTOCOL),
    "a farewell on a stream": (lambda c, k: k.frame(k.GOAWAY, 0, 1, b"a" * 8), PROTOCOL),
    "a short farewell": (lambda c, k: k.frame(k.GOAWAY, 0, 0, b"a" * 7), SIZE),
    "a short reset": (lambda c, k: k.frame(k.RST_STREAM, 0, 1, b"a"), SIZE),
    "a reset of the connection": (lambda c, k: k.frame(k.RST_STREAM, 0, 0, number(8)), PROTOCOL),
    "a reset of a stream of the server": (
        lambda c, k: k.frame(k.HEADERS, 5, 3, c.head()) + k.frame(k.RST_STREAM, 0, 2, number(8)),
        PROTOCOL,
    ),
    "a priority of no stream": (lambda c, k: k.frame(2, 0, 0, b"abcde"), PROTOCOL),
    "a short priority": (lambda c, k: k.frame(2, 0, 1, b"abcd"), SIZE),
    "headers that are shorter than their priority": (lambda c, k: k.frame(k.HEADERS, 0x24, 1, b"abcd"), SIZE),
    "padding of nothing": (lambda c, k: k.frame(k.HEADERS, 4 | 8, 1), PROTOCOL),
    "data with too much padding": (
        lambda c, k: k.frame(k.HEADERS, 4, 1, c.head()) + k.frame(k.DATA, 8, 1, b"\5abcd"),
        PROTOCOL,
    ),
    "headers on stream 0": (lambda c, k: k.frame(k.HEADERS, 4, 0, c.head()), PROTOCOL),
    "a block that goes on elsewhere": (
        lambda c, k: k.frame(k.HEADERS, 0, 1, c.head()) + k.frame(k.CONTINUATION, 4, 3, b""),
        PROTOCOL,
    ),
    "a push": (lambda c, k: k.frame(5, 4, 1, b"abcd"), PROTOCOL),
    "a continuation of nothing": (lambda c, k: k.frame(k.CONTINUATION, 4, 1, b"a"), PROTOCOL),
    "a block that is not continued": (
        lambda c, k: k.frame(k.HEADERS, 0, 1, c.head()) + k.frame(k.PING, 0, 0, b"a" * 8),
        PROTOCOL,
    ),
    "too much padding": (lambda c, k: k.frame(k.HEADERS, 4 | 8, 1, b"\xff" + c.head()), PROTOCOL),
    "a block that cannot be decoded": (lambda c, k: k.frame(k.HEADERS, 4, 1, b"\xff" * 10), COMPRESSION),
    "an index of nothing": (lambda c, k: k.frame(k.HEADERS, 4, 1, b"\x80"), COMPRESSION),
    "an index of what is not there": (lambda c, k: k.frame(k.HEADERS, 4, 1, b"\xbe"), COMPRESSION),
    "a text that is too short": (lambda c, k: k.frame(k.HEADERS, 4, 1, b"\0\5ab"), COMPRESSION),
    "a text that says its end": (
        lambda c, k: k.frame(k.HEADERS, 4, 1, b"\0\x84\xff\xff\xff\xff\0"),
        COMPRESSION,
    ),
    "a table that is too large": (
        lambda c, k: k.frame(k.HEADERS, 4, 1, b"\x3f\xe2\x1f" + c.head()),
        COMPRESSION,
    ),
    "a table that changes late": (lambda c, k: k.frame(k.HEADERS, 4, 1, c.head() + b"\x20"), COMPRESSION),
    "a block with an index of what was thrown away": (
        lambda c, k: (
            k.frame(k.HEADERS, 5, 1, c.head("/", ("x", "y"))) + k.frame(k.HEADERS, 5, 3, b"\x20\xbe")
        ),
        COMPRESSION,
    ),
    "a number without end": (
        lambda c, k: k.frame(k.HEADERS, 4, 1, b"\x7f" + b"\xff" * 10_000),
        COMPRESSION,
    ),
    "a bomb": (
        lambda c, k: k.frame(k.HEADERS, 4, 1, c.head("/", ("x", "a" * 4000)) + b"\xbe" * 10_000),
        CALM,
    ),
    "a continuation flood": (
        lambda c, k: k.frame(k.HEADERS, 0, 1, c.head()) + k.frame(k.CONTINUATION, 0, 1) * 1000,
        CALM,
    ),
    "a block without end": (
        lambda c, k: k.frame(k.HEADERS, 0, 1, c.head()) + k.frame(k.CONTINUATION, 0, 1, b"a" * 16000) * 8,
        CALM,
    ),
    "a ping flood": (lambda c, k: k.frame(k.PING, 0, 0, b"a" * 8) * 5000, CALM),
    "a settings flood": (lambda c, k: k.frame(k.SETTINGS, 0, 0) * 5000, CALM),
    "a flood of frames of no kind": (lambda c, k: k.frame(77, 0, 1) * 5000, CALM),
    "a flood of priorities": (lambda c, k: k.frame(2, 0, 1, b"abcde") * 5000, CALM),
    "a flood of empty data": (
        lambda c, k: k.frame(k.HEADERS, 4, 1, c.head()) + k.frame(k.DATA, 0, 1) * 5000,
        CALM,
    ),
    "a flood of resets": (
        lambda c, k: b"".join(
            k.frame(k.HEADERS, 4, stream, c.head()) + k.frame(k.RST_STREAM, 0, stream, number(8))
            for stream in range(1, 6001, 2)
        ),
        CALM,
    ),
    "a flood of refused streams": (
        lambda c, k: b"".join(k.frame(k.HEADERS, 4, stream, c.head()) for stream in range(1, 6001, 2)),
        CALM,
    ),
    "a flood of senseless requests": (
        lambda c, k: b"".join(
            k.frame(k.HEADERS, 5, stream, c.head("/do", ("Upper", "a"))) for stream in range(1, 6001, 2)
        ),
        CALM,
    ),
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_clients_that_break_the_rules_are_sent_away(server, kit, name):
    make, code = FAULTS[name]
    with server.speak() as client:
        client.send_all(make(client, kit))
        said = client.goodbye()
        # What was still unread at the end may have swallowed the last words.
        assert said is None or said[0] == code, said
    check(server)


def test_a_bad_beginning(server, kit):
    for data in (
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        kit.PREFACE + kit.frame(kit.PING, 0, 0, b"a" * 8),
        kit.PREFACE + kit.frame(kit.SETTINGS, 1, 0),
    ):
        with server.speak(preface=False) as client:
            client.send(data)
            assert client.goodbye()[0] == PROTOCOL
    with server.speak(preface=False) as client:
        client.send(b"PRI *")
        assert client.goodbye() is not None
    check(server)


@pytest.mark.parametrize(
    "headers",
    [
        (("connection", "close"),),
        (("transfer-encoding", "chunked"),),
        (("te", "gzip"),),
        (("content-length", "x"),),
        (("content-length", "1"), ("content-length", "2")),
        (("x", "a\r\nb: c"),),
        (("x", "a\0"),),
        ((":path", "/other"),),
        ((":unknown", "a"),),
        (("", "a"),),
        (("a b", "a"),),
        (("a:b", "a"),),
        (("\x7f", "a"),),
        (("é", "a"),),
        (("content-length", "-1"),),
        (("content-length", "+1"),),
        (("proxy-connection", "close"),),
        (("keep-alive", "1"),),
        (("upgrade", "h2c"),),
    ],
)
def test_requests_that_make_no_sense_are_reset(server, kit, headers):
    with server.speak() as client:
        client.request(1, "/do", b"a", *headers)
        assert client.answer(1)[0] == {"reset": str(PROTOCOL)}
        client.request(3, "/do", b"a")
        assert client.answer(3)[1] == b"A"
    check(server)


def test_frames_after_the_end(server, kit):
    """Of a stream whose client has said everything, or has given up."""
    data, headers = kit.frame(kit.DATA, 0, 1, b"a"), kit.frame(kit.HEADERS, 5, 1, b"")
    for ending in ("answered", "reset"):
        for late in (data, headers):
            with server.speak() as client:
                if ending == "answered":
                    client.request(1, "/do", b"a")
                    assert client.answer(1)[1] == b"A"
                else:
                    client.send(kit.frame(kit.HEADERS, 4, 1, client.head()))
                    client.send(kit.frame(kit.RST_STREAM, 0, 1, number(8)))
                client.send(late)
                assert client.answer(1)[0] == {"reset": str(CLOSED)}
                client.request(3, "/do", b"b")
                assert client.answer(3)[1] == b"B"
    check(server)


def test_streams_that_are_opened_out_of_order(server, kit):
    with server.speak() as client:
        client.request(5, "/do", b"a")
        assert client.answer(5)[1] == b"A"
        client.request(3, "/do", b"a")
        assert client.answer(3)[0] == {"reset": str(PROTOCOL)}
        client.request(7, "/do", b"b")
        assert client.answer(7)[1] == b"B"
    check(server)


def test_what_was_on_its_way_is_no_mistake(server, kit):
    """The server has answered before it has heard everything."""
    with server.speak() as client:
        client.send(kit.frame(kit.HEADERS, 4, 1, client.head("/nowhere")))
        assert client.answer(1)[0][":status"] == "404"
        assert client.read()[:3] == (kit.RST_STREAM, 0, 1)
        client.send(kit.frame(kit.DATA, 0, 1, b"a" * 1000) * 3)
        client.send(kit.frame(kit.HEADERS, 5, 1, client.encoder.encode([("x-trailer", "a")])))
        client.request(3, "/do", b"b")
        assert client.answer(3)[1] == b"B"
    check(server)


@pytest.mark.parametrize("late", ["data", "headers", "end"])
def test_frames_between_the_end_and_the_answer(native, kit, late):
    server = native(http={"/do": kit.HttpEndpoint(lambda context, body: time.sleep(0.2) or b"")})
    with server.speak() as client:
        client.request(1, "/do", b"a")
        client.send(
            {
                "data": kit.frame(kit.DATA, 0, 1, b"a"),
                "headers": kit.frame(kit.HEADERS, 5, 1, client.encoder.encode([("x", "y")])),
                "end": kit.frame(kit.DATA, 1, 1),
            }[late]
        )
        assert client.answer(1)[0] == {"reset": str(CLOSED)}


@pytest.mark.parametrize(
    ("flags", "headers"),
    [
        (4, [("x", "y")]),
        (5, [(":path", "/")]),
        (5, [("X", "y")]),
        (5, [("x", "a\nb")]),
        (5, [("te", "gzip")]),
    ],
)
def test_trailers_that_make_no_sense(server, kit, flags, headers):
    with server.speak() as client:
        client.send(kit.frame(kit.HEADERS, 4, 1, client.head()) + kit.frame(kit.DATA, 0, 1, b"a"))
        client.send(kit.frame(kit.HEADERS, flags, 1, client.encoder.encode(headers)))
        assert client.answer(1)[0] == {"reset": str(PROTOCOL)}
    check(server)


def test_trailers_and_padding(server, kit):
    with server.speak() as client:
        client.send(kit.frame(kit.HEADERS, 4 | 8 | 0x20, 1, b"\3" + bytes(5) + client.head() + b"abc"))
        client.send(kit.frame(kit.DATA, 8, 1, b"\2helloxx") + kit.frame(kit.DATA, 8, 1, b"\0"))
        client.send(kit.frame(kit.HEADERS, 5, 1, client.encoder.encode([("x-trailer", "a")])))
        assert client.answer(1)[1] == b"HELLO"
    check(server)


def test_requests_without_their_parts(server, kit):
    with server.speak() as client:
        for stream, block in ((1, [(":method", "GET")]), (3, [(":path", "/")]), (5, [("a", "b")])):
            client.send(kit.frame(kit.HEADERS, 5, stream, client.encoder.encode(block)))
            assert client.answer(stream)[0] == {"reset": str(PROTOCOL)}
    check(server)


def test_more_data_than_the_windows_allow(server, kit):
    with server.speak() as client:
        block = client.head("/tests.native.Service/Do", ("content-type", "application/grpc"))
        client.send(kit.frame(kit.HEADERS, 4, 1, block))
        client.send_all(kit.frame(kit.DATA, 0, 1, b"\0\0\1\0\0" + b"a" * 16000) * 20)
    check(server)


def test_broken_messages(server, kit):
    with server.speak() as client:
        for stream, message, status in (
            (1, b"\7\0\0\0\0", "13"),
            (3, b"\0\0\0\0\5abc", "13"),
            (5, b"\1\0\0\0\1a", "13"),
            (7, b"\0\xff\xff\xff\xff", "8"),
            (9, b"", "12"),
        ):
            client.request(stream, "/tests.native.Service/Do", message, ("content-type", "application/grpc"))
            assert client.answer(stream)[0]["grpc-status"] == status
        client.request(11, "/tests.native.Service/Do", b"", ("content-type", "application/grpcx"))
        assert client.answer(11)[0][":status"] == "415"
        for stream, header in (
            (13, ("grpc-timeout", "5")),
            (15, ("x-bin", "#")),
            (17, ("grpc-encoding", "x")),
        ):
            client.request(
                stream, "/tests.native.Service/Do", b"", ("content-type", "application/grpc"), header
            )
            assert client.answer(stream)[0]["grpc-status"] in ("13", "3", "12")
    check(server)


def test_noise(server, kit):
    noise = random.Random(7)
    for round_ in range(60):
        with server.speak() as client:
            for _ in range(20):
                kind, flags, stream = noise.randrange(12), noise.randrange(256), noise.randrange(6)
                payload = client.head() if noise.random() < 0.3 else noise.randbytes(noise.randrange(60))
                client.send_all(kit.frame(kind, flags, stream, payload))
            if round_ % 2:
                client.send_all(noise.randbytes(200))
    check(server)
