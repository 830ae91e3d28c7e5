"""Bytes that are no protocol, and floods of those that are."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import grpc
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from soak.interface import Interface, Method, model
from soak.messages import damaged
from soak.scenario import Scenario, Stage, option, percentile, until
from soak.server import Server, work
from soak.sockets import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    chunk,
    connect,
    frame,
    grpc_headers,
    grpc_message,
    http_request,
    lines_request,
)

PATIENCE = 0.02
PLAIN = "/api/v1/task/work"
_STATUS = re.compile(rb"HTTP/1\.1 (\d+) ")
# "Not implemented" and "version not supported" are about the request.
_ABOUT_REQUESTS = {501, 505}
# What grpcio says about bytes that it does not understand, and quotes with the ends of lines that are in them.
_GRPCIO = r"^[EIW]\d{4} |cygrpc.*Invalid encoding|http2_error|^(?!\{)(?!.*(Traceback|Error|Exception)).*$"


@dataclass(frozen=True, kw_only=True)
class Wire(Scenario):
    """Damaged HTTP/1.1 and HTTP/2, and floods of small frames, cost a connection at most."""

    name = "wire"

    examples: int = option(1500, short=25, help="damaged connections over each protocol")
    frames: int = option(100_000, short=4000, help="frames of each flood")
    megabytes: float = option(
        250,
        short=80,
        help="growth of memory that is allowed, also during a flood, which costs grpcio the most",
    )

    def run(self, stage: Stage) -> None:
        server = stage.serve(settings={"runtime": {"server_thread_pool_size": 8}}, memory=6000)
        with server.channel() as channel:
            method = Interface(channel)["WorkTaskPredict"]
            call = method.path, method.message(text="x")
        before = server.resources()
        self._attack(stage, "HTTP/1.1", damaged(_http_streams()), partial(_send, stage, server.ports["http"]))
        self._attack(
            stage, "HTTP/2", damaged(_frame_streams(*call)), partial(_send, stage, server.ports["grpc"])
        )
        stage.check(
            until(lambda: _answers(server, method), 10), "calls are not answered after damaged connections"
        )
        for name, (begin, each) in _floods(*call).items():
            self._flood(stage, server, name, begin, each)
            stage.check(
                until(lambda: _answers(server, method), 10), f"calls are not answered after a flood of {name}"
            )
        after = until(lambda: self._settled(server, before.megabytes), 10, every=0.3) or server.resources()
        stage.fact("before -> after", before.grown_to(after))
        stage.check(after.megabytes <= before.megabytes + self.megabytes, "memory grew")
        stage.check(
            after.other_files <= before.other_files + 4, f"files grew from {before.files} to {after.files}"
        )
        stage.check(after.requests == 0, f"{after.requests} requests are still counted as running")
        stage.stop(server, forgiven=_GRPCIO)

    def _settled(self, server: Server, megabytes: float) -> object:
        now = server.resources()
        return now if now.requests == 0 and now.megabytes <= megabytes + self.megabytes else None

    def _attack(
        self,
        stage: Stage,
        name: str,
        streams: st.SearchStrategy[bytes],
        send: Callable[[str, bytes], str | None],
    ) -> None:
        @seed(stage.seed)
        @settings(
            max_examples=self.examples,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
            print_blob=False,
        )
        @given(streams)
        def attack(data: bytes) -> None:
            problem = send(name, data)
            stage.count(f"{name}: connections")
            assert problem is None, f"{problem} to {data!r:.1500}"

        try:
            attack()
        except Exception as error:
            stage.check(False, f"{name}: {type(error).__name__}: {str(error).partition(chr(10))[0]}")

    def _flood(
        self, stage: Stage, server: Server, name: str, begin: bytes, each: Callable[[int], bytes]
    ) -> None:
        """As many frames as the server takes; its answers stay unread, and others want something meanwhile."""
        start = peak = server.resources().megabytes
        times: list[float] = []
        sent = 0
        with (
            connect(("127.0.0.1", server.ports["grpc"]), timeout=2) as client,
            contextlib.suppress(OSError),
        ):
            client.sendall(begin)
            while sent < self.frames:
                client.sendall(b"".join(each(number) for number in range(sent, sent + 1000)))
                sent += 1000
                if sent % 10_000 == 0 or sent == self.frames:
                    asked = time.monotonic()
                    healthy = server.request("GET", "/health")[0] == 200
                    stage.check(healthy, f"no health during a flood of {name}")
                    times.append(time.monotonic() - asked)
                    peak = max(peak, server.resources().megabytes)
        peak = max(peak, server.resources().megabytes)
        stage.count(f"frames sent in floods of {name}", sent)
        stage.check(peak <= start + self.megabytes, f"a flood of {name} took {peak - start:.0f} MB")
        slowest = percentile(times, 1)
        stage.check(slowest < 3, f"health took {slowest:.1f} s during a flood of {name}")


def _answers(server: Server, method: Method) -> bool:
    """Whether a call of somebody else is answered; while a flood is worked off, some are refused."""
    with server.channel() as channel:
        try:
            method.open(channel)(method.message(text="x"), metadata=model("worker"), timeout=5)
        except grpc.RpcError:
            return False
        return True


def _send(stage: Stage, port: int, protocol: str, data: bytes) -> str | None:
    """Read what comes, for a moment."""
    received = bytearray()
    with connect(("127.0.0.1", port)) as client, contextlib.suppress(OSError):
        client.sendall(data)
        client.settimeout(PATIENCE)
        while piece := client.recv(65536):
            received += piece
    stage.count(f"{protocol}: bytes of answers", len(received))
    faults = {int(each) for each in _STATUS.findall(received)} - _ABOUT_REQUESTS
    wrong = [fault for fault in faults if fault >= 500]
    return f"{wrong} {bytes(received[-300:])!r}" if wrong else None


def _http_streams() -> st.SearchStrategy[bytes]:
    """Requests one after the other on a connection."""
    upgrade = b"upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAMAAABk\r\n\r\n"
    lines = [b'{"model_id": "worker", "inputs": "x"}\n', b'{"inputs": "y"}', b""]
    requests = [
        b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n",
        b"HEAD /health HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /info/version HTTP/1.0\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: x\r\n" + upgrade,
        b"POST /api/v1/task/work HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n{}",
        http_request(PLAIN, work("x")),
        http_request("/api/v1/task/server-streaming-work", work("x", count=3)),
        http_request("/nowhere", work("x")),
        lines_request("/api/v1/task/bidi-streaming-work") + b"".join(map(chunk, lines)),
        PREFACE,
    ]
    return st.lists(st.sampled_from(requests), min_size=1, max_size=4).map(b"".join)


def _frame_streams(path: str, message: bytes) -> st.SearchStrategy[bytes]:
    """The beginning of a connection, calls that are right, and frames of any kind."""
    call = st.integers(0, 6).map(lambda number: _call(2 * number + 1, path, message))
    known = [b"", bytes(4), bytes(5), bytes(8), b"\xff" * 4, b"\x7f\xff\xff\xff"]
    known += [grpc_headers(path, "worker"), grpc_message(message)]
    payloads = st.binary(max_size=40) | st.sampled_from(known)
    streams = st.integers(0, 9) | st.integers(0, 2**32 - 1)
    odd = st.builds(frame, st.integers(0, 12), st.integers(0, 255), streams, payloads)
    frames = st.lists(st.one_of(call, odd), max_size=8).map(b"".join)
    return frames.map(lambda data: PREFACE + frame(SETTINGS, 0, 0, b"") + data)


def _call(stream: int, path: str, message: bytes) -> bytes:
    headers = frame(HEADERS, END_HEADERS, stream, grpc_headers(path, "worker"))
    return headers + frame(DATA, END_STREAM, stream, grpc_message(message))


def _floods(path: str, message: bytes) -> dict[str, tuple[bytes, Callable[[int], bytes]]]:
    """What a connection begins with, and its frames by number."""
    begin = PREFACE + frame(SETTINGS, 0, 0, b"")
    headers = grpc_headers(path, "worker")
    opened = begin + frame(HEADERS, END_HEADERS, 1, headers)
    return {
        "PING": (begin, lambda _: frame(PING, 0, 0, bytes(8))),
        "SETTINGS": (begin, lambda _: frame(SETTINGS, 0, 0, b"\x00\x04\x00\x00\xff\xff")),
        "calls that are reset": (
            begin,
            lambda number: (
                frame(HEADERS, END_HEADERS, 2 * number + 1, headers)
                + frame(RST_STREAM, 0, 2 * number + 1, (8).to_bytes(4, "big"))
            ),
        ),
        "CONTINUATION": (
            begin + frame(HEADERS, 0, 1, headers),
            lambda _: frame(CONTINUATION, 0, 1, b"\x00\x04name\x05value"),
        ),
        "empty DATA": (opened, lambda _: frame(DATA, 0, 1, b"")),
        "WINDOW_UPDATE": (opened, lambda _: frame(WINDOW_UPDATE, 0, 1, (1).to_bytes(4, "big"))),
        "PRIORITY": (
            begin,
            lambda number: frame(PRIORITY, 0, 2 * (number % 1000) + 1, bytes(4) + b"\x10"),
        ),
        "calls whose answers are not read": (begin, lambda number: _call(2 * number + 1, path, message)),
        "GOAWAY": (begin, lambda _: frame(GOAWAY, 0, 0, bytes(8))),
    }
