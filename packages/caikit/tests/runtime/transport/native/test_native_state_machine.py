"""Random conversations over HTTP/2 with a server on loopback; the `h2` package says what is legal."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import struct
import time
from dataclasses import dataclass, field

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    PingAckReceived,
    ResponseReceived,
    SettingsAcknowledged,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.settings import SettingCodes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caikit.runtime.engine import Shape
from caikit.runtime.transport.native import Limits

SCALE = float(os.environ.get("CAIKIT_PROPERTY_SCALE", "1"))
PATH = "/tests.native.Service/"
PING_DATA = b"the-end."
PROPERTY = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}


def reverse(context, body):
    return body[::-1]


def serve_lines(context, body):
    for number in range(1 + len(body) % 7):
        yield b"%d:" % number + body


def collect(context, messages):
    return b"".join(messages)


def talk(context, messages):
    for message in messages:
        yield message[::-1]


@pytest.fixture
def server(native, kit):
    """One for all conversations, which keeps nothing of them."""
    yield (
        found := native(
            http={"/do": kit.HttpEndpoint(reverse), "/stream": kit.HttpEndpoint(serve_lines, streaming=True)},
            grpc={
                "Do": kit.Method(reverse),
                "Collect": kit.Method(collect, Shape.CLIENT_STREAM),
                "Talk": kit.Method(talk, Shape.BIDI),
            },
            limits=Limits(stream_window=70_000, connection_window=200_000, max_streams=20),
            max_body_size=10**6,
        )
    )
    assert found.gate.bytes_held.held == 0


# A client that keeps the rules


@dataclass
class Call:
    path: str
    pieces: list[bytes]
    padding: int = 0
    trailers: bool = False
    given_up_after: int | None = None
    sent: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    state: str = "open"

    @property
    def is_call(self) -> bool:
        return self.path.startswith(PATH)

    @property
    def content(self) -> bytes:
        if not self.is_call:
            return b"".join(self.pieces)
        return b"".join(message(piece) for piece in self.pieces)

    def expected(self) -> bytes:
        whole = b"".join(self.pieces)
        match self.path:
            case "/do":
                return whole[::-1]
            case "/stream":
                return b"".join(b"%d:" % number + whole for number in range(1 + len(whole) % 7))
            case "/nowhere":
                return b"/nowhere"
        if self.path.endswith("Collect"):
            return message(whole)
        return b"".join(message(piece[::-1]) for piece in self.pieces)

    def check(self) -> None:
        assert self.state == "ended"
        assert self.body == self.expected()
        assert self.headers[b":status"] == (b"404" if self.path == "/nowhere" else b"200")
        if self.is_call:
            assert self.headers[b"grpc-status"] == b"0"


def message(content: bytes) -> bytes:
    return b"\0" + struct.pack(">I", len(content)) + content


SIZES = st.sampled_from([0, 1, 2, 100, 5000, 16_384, 40_000]) | st.integers(0, 300)
BODIES = SIZES.map(lambda size: bytes(index * 7 % 251 for index in range(size)))


@st.composite
def calls(draw) -> Call:
    path = draw(st.sampled_from(["/do", "/stream", "/nowhere", PATH + "Do", PATH + "Collect", PATH + "Talk"]))
    many = path.endswith(("Collect", "Talk"))
    return Call(
        path,
        draw(st.lists(BODIES, min_size=1, max_size=4 if many else 1)),
        padding=draw(st.sampled_from([0, 0, 1, 255])),
        trailers=draw(st.booleans()) and not path.startswith(PATH),
        given_up_after=draw(st.none() | st.none() | st.integers(0, 20_000)),
    )


class Client:
    """Sends what is asked for in random pieces, within the windows of the server; grants windows as it likes."""

    def __init__(self, server, noise: random.Random) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        self.noise = noise
        self.calls: dict[int, Call] = {}
        self.unread: list[tuple[int, int]] = []
        self.pinged = self.acknowledged = False

    def start(self) -> None:
        noise = self.noise
        changes = {SettingCodes.INITIAL_WINDOW_SIZE: noise.choice([0, 1, 100, 65_535, 10**6])}
        if noise.random() < 0.3:
            changes[SettingCodes.HEADER_TABLE_SIZE] = noise.choice([0, 100, 4096, 65_536])
        self.h2.initiate_connection()
        self.flush()
        while not self.acknowledged:
            self.listen(1)
        self.h2.update_settings(changes)

    def run(self, calls: list[Call]) -> None:
        self.start()
        waiting = list(calls)
        end = time.monotonic() + 15
        while waiting or any(call.state == "open" for call in self.calls.values()):
            if waiting and len(self.calls) < 15 and self.noise.random() < 0.5:
                self.begin(waiting.pop())
            assert time.monotonic() < end, self.calls
            for number, call in self.calls.items():
                if call.state == "open":
                    self.go_on(number, call)
            self.grant()
            self.flush()
            self.listen(0.001 if waiting else 0.05)

    def begin(self, call: Call) -> None:
        number = self.h2.get_next_available_stream_id()
        head = [(":method", "POST"), (":scheme", "http"), (":path", call.path), (":authority", "x")]
        head.append(("content-type", "application/grpc" if call.is_call else "text/plain"))
        if self.noise.random() < 0.5:
            head.append(("x-noise", "n" * self.noise.randrange(2000)))
        if not call.is_call and not call.trailers and self.noise.random() < 0.5:
            head.append(("content-length", str(len(call.content))))
        self.calls[number] = call
        self.h2.send_headers(number, head)

    def go_on(self, number: int, call: Call) -> None:
        content = call.content
        if call.given_up_after is not None and call.sent >= min(call.given_up_after, len(content)):
            call.state = "given up"
            self.h2.reset_stream(number, ErrorCodes.CANCEL)
            return
        if call.sent > len(content):
            return
        room = (
            min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size) - 1 - call.padding
        )
        size = min(room, len(content) - call.sent, self.noise.choice([1, 10, 1000, 16_000]))
        if size < 0 or (size == 0 and call.sent < len(content)):
            return
        piece = content[call.sent : call.sent + size]
        call.sent += size
        last = call.sent == len(content)
        self.h2.send_data(
            number, piece, end_stream=last and not call.trailers, pad_length=call.padding or None
        )
        if last:
            call.sent += 1
            if call.trailers:
                self.h2.send_headers(number, [("x-trailer", "a")], end_stream=True)

    def grant(self) -> None:
        """Open windows, or change the size of all, shrinking included."""
        noise = self.noise
        if noise.random() < 0.1:
            self.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: noise.choice([0, 10, 5000, 65_535])})
        if noise.random() < 0.7:
            self.h2.increment_flow_control_window(noise.choice([1, 1000, 100_000]))
        for number, call in self.calls.items():
            if call.state == "open" and noise.random() < 0.7:
                self.h2.increment_flow_control_window(noise.choice([1, 1000, 60_000]), number)

    def flush(self) -> None:
        data = self.h2.data_to_send()
        while data:
            size = self.noise.choice([1, 9, 100, 5000, 10**6])
            self.socket.sendall(data[:size])
            data = data[size:]

    def listen(self, seconds: float) -> None:
        self.socket.settimeout(seconds)
        with contextlib.suppress(TimeoutError):
            data = self.socket.recv(self.noise.choice([10, 1000, 65_536]))
            assert data, "the server has ended the connection"
            for event in self.h2.receive_data(data):
                self.hear(event)
        self.socket.settimeout(10)

    def hear(self, event) -> None:
        assert not isinstance(event, ConnectionTerminated), event
        if isinstance(event, SettingsAcknowledged):
            self.acknowledged = True
        if isinstance(event, PingAckReceived):
            self.pinged = True
        call = self.calls.get(getattr(event, "stream_id", None) or 0)
        if call is None or call.state == "given up":
            return
        match event:
            case ResponseReceived() | TrailersReceived():
                call.headers.update(event.headers)
            case DataReceived():
                call.body += event.data
            case StreamEnded():
                call.state = "ended"
            case StreamReset():
                # An answer that needs no body is complete before the body is.
                assert (call.state, event.error_code) == ("ended", ErrorCodes.NO_ERROR), event


@pytest.mark.timeout(60 * max(1, SCALE))
@settings(max_examples=int(30 * SCALE), **PROPERTY)
@given(st.lists(calls(), min_size=1, max_size=8), st.integers(0, 2**32))
def test_clients_that_keep_the_rules_get_whole_answers(server, planned, seed):
    client = Client(server, random.Random(seed))
    with client.socket:
        client.run(planned)
        # Nothing that is left makes the connection useless.
        client.h2.ping(PING_DATA)
        client.flush()
        while not client.pinged:
            client.listen(1)
    for call in planned:
        if call.state != "given up":
            call.check()
