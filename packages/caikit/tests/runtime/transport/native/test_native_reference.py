"""Random frames over HTTP/2, right and wrong: after each one the server must think of it what the `h2` package thinks."""

from __future__ import annotations

import os
import struct
import time

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hpack import Encoder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caikit.runtime.transport.native import Limits

SCALE = float(os.environ.get("CAIKIT_PROPERTY_SCALE", "1"))
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
STREAM_WINDOW, CONNECTION_WINDOW = 20_000, 70_000
HEAD = [(":method", "POST"), (":scheme", "http"), (":path", "/wait"), (":authority", "x")]
BAD_HEADS = [
    HEAD[1:],
    [*HEAD, (":path", "/")],
    [*HEAD, ("x", "y"), (":method", "GET")],
    [*HEAD, ("X", "y")],
    [*HEAD, ("x y", "z")],
    [*HEAD, ("connection", "close")],
    [*HEAD, ("te", "gzip")],
    [*HEAD, (":status", "200")],
]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def number(value: int) -> bytes:
    return struct.pack(">I", value)


# What a client does: a name, a stream and two numbers that choose a variant.
ACTIONS = {
    "open": 10,
    "open badly": 1,
    "open again": 1,
    "send": 16,
    "send much": 2,
    "end": 4,
    "pad": 3,
    "trailers": 3,
    "give up": 2,
    "widen": 6,
    "set": 3,
    "ping": 1,
    "prefer": 1,
    "unknown": 1,
    "wrong": 1,
}
steps = st.tuples(
    st.sampled_from([name for name, weight in ACTIONS.items() for _ in range(weight)]),
    st.integers(0, 5),
    st.integers(0, 7),
    st.integers(0, 7),
)


class Script:
    """Makes frames of actions; knows which streams were opened, not what has become of them."""

    def __init__(self) -> None:
        self.encoder = Encoder()
        self.streams: list[int] = []
        self.next = 1

    def make(self, action: str, where: int, one: int, two: int) -> list[bytes]:
        """Frames that must follow each other."""
        stream = self.streams[where % len(self.streams)] if self.streams else 1
        if not self.streams or action.startswith("open"):
            return self.make_head(action, stream, one, two)
        if action in ("set", "ping", "prefer", "unknown", "wrong"):
            return [self.make_control(action, stream, one, two)]
        match action:
            case "send":
                return [frame(DATA, one == 0, stream, b"a" * (1, 100, 3000, 9000)[two % 4])]
            case "send much":
                return [frame(DATA, 0, stream, b"a" * (16_384, 16_000)[two % 2])]
            case "end":
                return [frame(DATA, 1, stream, b"a" * one)]
            case "pad":
                bad = bytes([200]) + b"a" * 10
                return [
                    frame(DATA, 8, stream, bad if one == two == 0 else bytes([two]) + b"a" * one + bytes(two))
                ]
            case "trailers":
                block = self.encoder.encode([("x-trailer", "a")] if one else [(":path", "a")])
                return [frame(HEADERS, 4 | (two != 0), stream, block)]
            case "give up":
                return [frame(RST, 0, stream, number(8))]
            case "widen":
                target = 0 if one % 2 else stream
                return [frame(WINDOW, 0, target, number((1, 5000, 7, 9, 300, 70, 0, 2**31 - 1)[two]))]
        raise AssertionError(action)

    def make_control(self, action: str, stream: int, one: int, two: int) -> bytes:
        match action:
            case "set":
                key, value = ((4, 0), (4, 100_000), (4, 2**31), (1, 0), (1, 9000), (3, 0), (5, 99), (9, 1))[
                    two
                ]
                return frame(SETTINGS, 0, 0, struct.pack(">HI", key, value))
            case "ping":
                return frame(PING, one % 2, 0, b"whatever")
            case "prefer":
                return frame(PRIORITY, 0, stream + 2 * one, number(0) + bytes([two]))
            case "unknown":
                return frame(77, one, two, b"abc")
        return self.wrong(stream)[one]

    def make_head(self, action: str, stream: int, one: int, two: int) -> list[bytes]:
        match action:
            case "open again":
                return [frame(HEADERS, 5, stream, self.encoder.encode(HEAD))]
            case "open badly":
                return self.open(BAD_HEADS[one], 5, 0)
        return self.open(HEAD, 4 | (one == 0), two)

    def wrong(self, stream: int) -> list[bytes]:
        return [
            frame(CONTINUATION, 4, stream),
            frame(PUSH, 4, stream, number(2)),
            frame(SETTINGS, 1, 0, b"a" * 6),
            frame(SETTINGS, 0, stream),
            frame(PING, 0, 0, b"short"),
            frame(WINDOW, 0, stream, b"abc"),
            frame(DATA, 0, 0, b"a"),
            frame(DATA, 0, self.next + 10, b"a"),
        ]

    def open(self, headers: list[tuple[str, str]], flags: int, variant: int) -> list[bytes]:
        """Maybe with padding, a priority, a stream that is left out, or a block in pieces."""
        self.next += 2 * (variant == 7)
        stream, self.next = self.next, self.next + 2
        self.streams.append(stream)
        block = self.encoder.encode([*headers, ("x-variant", str(variant))])
        if variant == 1:
            return [frame(HEADERS, flags | 8, stream, b"\3" + block + b"abc")]
        if variant == 2:
            return [frame(HEADERS, flags | 0x20, stream, bytes(5) + block)]
        if variant == 3:
            return [
                frame(HEADERS, flags & ~4, stream, block[:5]),
                frame(CONTINUATION, 0, stream, block[5:9]),
                frame(CONTINUATION, 4, stream, block[9:]),
            ]
        if variant == 4 and stream % 5 == 0:
            return [frame(HEADERS, flags & ~4, stream, block[:5]), frame(DATA, 0, stream, b"a")]
        return [frame(HEADERS, flags, stream, block)]


class Reference:
    """What h2 thinks, which never answers; windows are opened when the server does it."""

    def __init__(self) -> None:
        self.ended = False
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self.h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                SettingCodes.MAX_CONCURRENT_STREAMS: 20,
            },
        )
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(CONNECTION_WINDOW - 65_535)
        self.h2.data_to_send()

    def take(self, data: bytes) -> tuple[str, int]:
        """The verdict, and the number of the fault."""
        try:
            self.h2.receive_data(data)
        except ProtocolError as error:
            self.ended = True
            return "connection", int(error.error_code)
        said = self.h2.data_to_send()
        for kind, _, payload in frames_in(said):
            if kind == RST:
                return "stream", int.from_bytes(payload, "big")
        return "fine", 0

    def widen(self, stream: int, increment: int) -> None:
        self.h2.increment_flow_control_window(increment, stream or None)
        self.h2.data_to_send()


def frames_in(data: bytes) -> list[tuple[int, int, bytes]]:
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 3], "big")
        stream = int.from_bytes(data[at + 5 : at + 9], "big")
        found.append((data[at + 3], stream, data[at + 9 : at + 9 + size]))
        at += 9 + size
    return found


def ask_server(client, reference: Reference) -> tuple[str, int]:
    """The verdict of the server about what was sent last."""
    client.send_all(frame(PING, 0, 0, b"and now?"))
    verdict = ("fine", 0)
    while found := client.read():
        kind, _, stream, payload = found
        if kind == GOAWAY:
            return "connection", int.from_bytes(payload[4:8], "big")
        if kind == RST:
            verdict = ("stream", int.from_bytes(payload, "big"))
        if kind == WINDOW and not reference.ended:
            reference.widen(stream, int.from_bytes(payload, "big"))
        if kind == PING and payload == b"and now?":
            return verdict
    # The last words may have been lost.
    return "connection", -1


@pytest.fixture
def server(native, kit):
    def wait(context, body):
        while not context.cancel.cancelled:
            time.sleep(0.002)
        return b""

    return native(
        http={"/wait": kit.HttpEndpoint(wait)},
        limits=Limits(stream_window=STREAM_WINDOW, connection_window=CONNECTION_WINDOW, max_streams=20),
        max_body_size=10**7,
    )


@pytest.mark.timeout(60 * max(1, SCALE))
@settings(max_examples=int(80 * SCALE), deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, min_size=1, max_size=40))
def test_what_is_legal(server, script):
    made, reference = Script(), Reference()
    ended: set[int] = set()
    begin = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0) + frame(SETTINGS, 1, 0)
    assert reference.take(begin) == ("fine", 0)
    with server.speak(preface=False) as client:
        client.send(begin)
        # The window of the connection is opened at once.
        assert client.read()[0] == SETTINGS
        assert client.read()[0] == WINDOW
        for step in script:
            pieces = made.make(*step)
            client.send_all(b"".join(pieces))
            expected = reference.take(b"".join(pieces))
            found = ask_server(client, reference)
            stream = frames_in(pieces[0])[0][1]
            # The server has ended the stream itself; what comes then may have been on its way.
            ignored = stream in ended and found[0] == "fine"
            same = (expected[0] == "fine") == (found[0] == "fine")
            assert same or ignored, (step, expected, found)
            if found[0] == "stream":
                ended.add(stream)
            if expected[0] == "connection" or found[0] == "connection":
                return
