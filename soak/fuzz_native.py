"""Readers of the native listener that take whatever a fuzzer thinks of: `python -m soak.fuzz_native RUNS [SEED]`.

No sockets: connections are given bytes and a transport that collects what they write. What is read must not depend on
how the bytes were cut, and must agree with other readers of the same format where there are any.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import random
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

from hpack import Decoder, Encoder, HPACKError
from wsproto.frame_protocol import FrameProtocol

from caikit.runtime.engine import Gate, RequestError, Shape, WorkerPool
from caikit.runtime.engine.byte_budget import ByteBudget
from caikit.runtime.transport.http_messages import CLOSED, HttpAnswer, SocketClose
from caikit.runtime.transport.native import GrpcService, HttpService, Limits
from caikit.runtime.transport.native._connection import Connection
from caikit.runtime.transport.native._frames import ConnectionFault
from caikit.runtime.transport.native._grpc_messages import Compressed, MessageReader, decompress
from caikit.runtime.transport.native._header_decoder import HeaderDecoder
from caikit.runtime.transport.native._http1 import Http1Connection
from caikit.runtime.transport.native._http2 import Http2Connection
from caikit.runtime.transport.native._hub import Hub
from caikit.runtime.transport.native._services import Services

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\4\0\0\0\0\0"
GRPC_PATH = "/fuzz.Service/Do"
_LONGEST = 4096
# The id of a request is among the trailers of gRPC-Web, too, where it may be base64.
_CHANGING = re.compile(rb"(date: |x-request-id: ?|eC1yZXF1ZXN0LWlkOi)[^\r]*")


# What is served


class _Endpoint:
    guard = loop_runs = None
    takes_lines = False
    stream_headers = [(b"content-type", b"text/event-stream")]

    def __init__(self, *, streaming: bool) -> None:
        self.streaming = streaming

    def accept(self, request: Any) -> HttpAnswer | None:
        return HttpAnswer(415, b"no") if request.content_type == b"bad" else None

    def answer(self, context: Any, request: Any, body: Any) -> HttpAnswer:
        return HttpAnswer(200, body[::-1], [(b"content-type", b"text/plain")])

    def stream(self, context: Any, request: Any, body: Any) -> Iterator[bytes]:
        yield from (b"one", body, b"two")


class _Socket:
    guard = None

    def converse(self, context: Any, messages: Any) -> Iterator[SocketClose]:
        yield CLOSED


class _Application:
    endpoints = {("POST", "/do"): _Endpoint(streaming=False), ("POST", "/stream"): _Endpoint(streaming=True)}
    sockets = {"/talk": _Socket()}

    def missing(self, request: Any) -> HttpAnswer:
        return HttpAnswer(404, b"missing")

    def refuse(self, error: RequestError, http_status: int | None = None) -> HttpAnswer:
        return HttpAnswer(http_status or 503, error.message.encode())

    def refuse_stream(self, error: RequestError) -> bytes:
        return error.message.encode()

    def refuse_socket(self, error: RequestError) -> tuple[bytes, SocketClose]:
        return error.message.encode(), SocketClose(4500)

    def keep_alive(self) -> bytes:
        return b":\n"


class _Method:
    guard = loop_runs = None
    acknowledge = False

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def answer(self, context: Any, body: Any) -> bytes:
        return bytes(body[::-1])

    def stream(self, context: Any, body: Any) -> Iterator[bytes]:
        yield from (b"one", body, b"two")


class _Inline(WorkerPool):
    """Does at once what can be done without waiting for more from the client, and the rest at the end."""

    def __init__(self) -> None:
        super().__init__(1)
        self._later: list[Callable[[], object]] = []

    def put(self, function: Any, *args: Any, refuse: Any = None) -> None:
        if all(isinstance(each, bytes) for each in args):
            function(*args)
        else:
            self._later.append(partial(function, *args))

    def finish(self) -> None:
        while self._later:
            self._later.pop(0)()


class _Transport:
    """Collects what is written."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.protocol: Any = None
        self.closed = False

    def write(self, data: bytes) -> None:
        if self.closed:
            raise AssertionError("written after the end")
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def get_extra_info(self, name: str) -> None:
        return None

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None: ...

    def set_write_buffer_limits(self, high: int) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class _Complaints(logging.Handler):
    """Errors that were logged; nothing that clients send is one."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.getMessage())


_complaints = _Complaints()
_loop = asyncio.new_event_loop()
_limits = Limits(reset_rate=(10**6, 1.0), control_rate=(10**6, 1.0), max_streams=8)


def _raise(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    _complaints.seen.append(f"{context.get('message')}: {context.get('exception')!r}")


_loop.set_exception_handler(_raise)
logging.getLogger().addHandler(_complaints)


def _serve() -> SimpleNamespace:
    workers = _Inline()
    budget = ByteBudget(10**6)
    common: dict[str, Any] = {
        "workers": workers,
        "gate": Gate(workers, max_queued=1000, bytes_held=budget),
    }
    application: Any = _Application()
    methods: Any = {
        "/fuzz.Service/" + name: _Method(shape)
        for name, shape in (
            ("Do", Shape.UNARY),
            ("Stream", Shape.SERVER_STREAM),
            ("Collect", Shape.CLIENT_STREAM),
            ("Talk", Shape.BIDI),
        )
    }
    grpc = GrpcService(
        methods, **common, longest_message=_LONGEST, reflects=False, web_origins=["http://here"]
    )
    http = HttpService(application, **common, max_body_size=_LONGEST)
    return SimpleNamespace(
        budget=budget,
        workers=workers,
        grpc=grpc,
        services=Services(http, grpc, awaits_other=False),
        hub=Hub(_loop),
        connections=set(),
    )


async def _settle() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


def _converse(make: Callable[[SimpleNamespace], Connection], pieces: list[bytes]) -> tuple[bytes, bool]:
    """What the server says to these bytes, and whether it has ended the connection."""
    _complaints.seen.clear()
    server, transport = _serve(), _Transport()
    connection = transport.protocol = make(server)
    connection.connection_made(transport)  # type: ignore[arg-type]  # it has what connections use
    for piece in pieces:
        if transport.closed:
            break
        transport.protocol.data_received(piece)
    _loop.run_until_complete(_settle())
    server.hub.flush()
    said, ended = bytes(transport.written), transport.closed
    transport.closed = True
    transport.protocol.connection_lost(None)
    _loop.run_until_complete(_settle())
    server.workers.finish()
    _loop.run_until_complete(_settle())
    left = (server.hub.running, server.grpc.running, server.budget.held, len(server.connections))
    if any(left):
        raise AssertionError(f"left after the end: {left}")
    if _complaints.seen:
        raise AssertionError(f"complaints: {_complaints.seen}")
    return _CHANGING.sub(b"-", said), ended


def _make_http1(server: SimpleNamespace) -> Connection:
    return Http1Connection(server.hub, _limits, server.connections, services=server.services)


def _make_http2(server: SimpleNamespace) -> Connection:
    return Http2Connection(server.hub, _limits, server.connections, services=server.services)


def _cut(data: bytes, how: int) -> list[bytes]:
    """Pieces of the data: single bytes, or of a few sizes."""
    if how % 4 == 0:
        return [data[at : at + 1] for at in range(len(data))]
    sizes, at, pieces = random.Random(how), 0, []
    while at < len(data):
        size = sizes.choice((1, 2, 5, 13, 40, 100))
        pieces.append(data[at : at + size])
        at += size
    return pieces


def _same(first: object, second: object, what: str) -> None:
    if first != second:
        raise AssertionError(f"{what}: {first!r} or {second!r}")


# The readers


def read_http1(data: bytes) -> None:
    """Requests are read the same however they come."""
    if not data:
        return
    how, data = data[0], data[1:]
    if data.startswith(b"PRI"):
        return
    whole = _converse(_make_http1, [data])
    _same(whole, _converse(_make_http1, _cut(data, how)), "whole and in pieces")
    if whole[0] and not whole[0].startswith(b"HTTP/1.1 "):
        raise AssertionError(f"no answer: {whole[0][:100]!r}")


_HANDSHAKE = (
    b"GET /talk HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


def read_websocket(data: bytes) -> None:
    """Frames after a handshake are read the same however they come, and answered by frames."""
    if not data:
        return
    how, data = data[0], data[1:]
    said, _ = whole = _converse(_make_http1, [_HANDSHAKE, data])
    _same(whole, _converse(_make_http1, [_HANDSHAKE, *_cut(data, how)]), "whole and in pieces")
    frames = FrameProtocol(client=True, extensions=[])
    frames.receive_bytes(said.partition(b"\r\n\r\n")[2])
    list(frames.received_frames())


def read_http2_bytes(data: bytes) -> None:
    _read_http2(data)


def read_http2_frames(data: bytes) -> None:
    """The same, but frames have the right length, and blocks of headers that can be read."""
    frames, at = bytearray(data[:1]), 1
    while at + 4 <= len(data):
        kind, flags, stream, size = data[at] % 11, data[at + 1], data[at + 2] % 16, data[at + 3]
        at += 4
        if kind == 1 and data[at - 2] & 0x80:
            payload = BLOCKS[size % len(BLOCKS)]
        elif kind in _SIZES and size & 0x80:
            payload = data[at : at + _SIZES[kind]]
            at += _SIZES[kind]
        else:
            payload = data[at : at + size]
            at += size
        frames += len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload
    _read_http2(bytes(frames))


def _read_http2(data: bytes) -> None:
    if not data:
        return
    how, data = data[0], PREFACE + SETTINGS + data[1:]
    whole = _converse(_make_http2, [data])
    _same(_tell(*whole), _tell(*_converse(_make_http2, _cut(data, how))), "whole and in pieces")


def _tell(said: bytes, ended: bool) -> list[object]:
    """What was said to each stream; raises for what no client would understand."""
    decoder = Decoder()
    begun, over, heard = set(), set(), []
    at = 0
    while at < len(said):
        size, kind, flags = int.from_bytes(said[at : at + 3], "big"), said[at + 3], said[at + 4]
        stream = int.from_bytes(said[at + 5 : at + 9], "big")
        payload = said[at + 9 : at + 9 + size]
        at += 9 + size
        if len(payload) != size or kind not in (0, 1, 3, 4, 6, 7, 8):
            raise AssertionError(f"a frame that is none: {kind}, {size}, {payload!r}")
        if kind in (0, 1) and (stream in over or (kind == 0 and stream not in begun)):
            raise AssertionError(f"frame {kind} on stream {stream}")
        content: object = payload
        if kind == 1:
            begun.add(stream)
            content = [
                (name, value)
                for name, value in decoder.decode(payload, raw=True)
                if name not in (b"date", b"x-request-id")
            ]
        if kind == 3 or (kind in (0, 1) and flags & 1):
            over.add(stream)
        heard.append((kind, flags, stream, content))
    return [ended, *heard]


def read_headers(data: bytes) -> None:
    """Blocks of one connection, each behind its length, are read as hpack reads them, or refused as hpack does."""
    own, other = HeaderDecoder(most_bytes=10**6), Decoder(max_header_list_size=10**6)
    at = 0
    while at < len(data):
        block = data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]
        ours = theirs = None
        try:
            ours = own.decode(block)
        except ConnectionFault:
            ours = None
        try:
            theirs = [tuple(header) for header in other.decode(block, raw=True)]
        except (HPACKError, IndexError):
            theirs = None
        if ours is None and theirs is not None and _has_huge_number(block):
            return
        _same(ours, theirs, f"ours and that of hpack, {block!r}")
        if ours is None:
            return


def _has_huge_number(block: bytes) -> bool:
    """hpack reads numbers that have more bytes than any needs."""
    return re.search(rb"[\x80-\xff]{4}", block) is not None


def read_messages(data: bytes) -> None:
    """Messages of gRPC: cut as they say themselves, the same however they come."""
    if not data:
        return
    how, data = data[0], data[1:]
    encoding = (b"identity", b"gzip", b"deflate")[how % 3]
    expected = _expected_messages(data, encoding)
    for pieces in ([data], _cut(data, how)):
        reader = MessageReader(encoding=encoding, longest=_LONGEST)
        found: list[object] = []
        try:
            for piece in pieces:
                found += [(type(each) is Compressed, bytes(each)) for each in reader.feed(piece)]
        except RequestError as error:
            found.append(error.status.name)
        else:
            found.append(reader.pending)
        if isinstance(expected[-1], str) and found[-1:] == expected[-1:]:
            # What came together with the mistake is not served.
            continue
        _same(found, expected, "messages")
    for compressed, message in (each for each in expected if isinstance(each, tuple)):
        if compressed:
            try:
                _same(
                    len(decompress(message, encoding=encoding, longest=_LONGEST)) <= _LONGEST, True, "length"
                )
            except RequestError:
                continue


def _expected_messages(data: bytes, encoding: bytes) -> list[object]:
    found: list[object] = []
    while len(data) >= 5:
        flag, length = data[0], int.from_bytes(data[1:5], "big")
        if flag > 1:
            return [*found, "INTERNAL"]
        if length > _LONGEST:
            return [*found, "RESOURCE_EXHAUSTED"]
        if len(data) < 5 + length:
            break
        if flag and encoding == b"identity":
            return [*found, "INTERNAL"]
        found.append((flag == 1, data[5 : 5 + length]))
        data = data[5 + length :]
    return [*found, len(data)]


# What the fuzzer begins with


def _block(path: str, *more: tuple[str, str]) -> bytes:
    pseudo = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "x")]
    return bytes(Encoder().encode([*pseudo, *more]))


def _plain(name: bytes, value: bytes) -> bytes:
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


_CALL = ("content-type", "application/grpc")
BLOCKS = [
    _block("/do"),
    _block("/do", ("content-length", "5")),
    _block("/stream"),
    _block("/nowhere", ("expect", "100-continue")),
    *(_block(f"/fuzz.Service/{name}", _CALL) for name in ("Do", "Stream", "Collect", "Talk", "No")),
    _block(GRPC_PATH, _CALL, ("grpc-encoding", "gzip"), ("grpc-timeout", "1S")),
    _plain(b"x-trailer", b"a"),
    _plain(b":path", b"/do"),
    b"\x20" + _plain(b"X", b"\r\n"),
]
_SIZES = {2: 5, 3: 4, 4: 6, 6: 8, 7: 8, 8: 4}
_MESSAGE = b"\0\0\0\0\5hello"
_REQUEST = b"POST /do HTTP/1.1\r\nhost: x\r\n"
_QUESTION = b"OPTIONS /fuzz.Service/Do HTTP/1.1\r\nhost: x\r\naccess-control-request-method: POST\r\n"
_WEB = b"POST /fuzz.Service/Stream HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc-web"


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


READERS: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {
    "http1": (
        read_http1,
        [
            b"\1" + _REQUEST + b"content-length: 5\r\n\r\nhello" + _REQUEST + b"content-length: 0\r\n\r\n",
            b"\2" + _REQUEST + b"transfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nx: y\r\n\r\n",
            b"\3POST http://y/stream?a#b HTTP/1.0\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\na",
            b"\4" + _REQUEST + b"expect: 100-continue\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
            b"\5" + _WEB + b"\r\norigin: http://here\r\ncontent-length: 10\r\n\r\n" + _MESSAGE,
            b"\6" + _WEB + b"-text\r\naccept: */*\r\ncontent-length: 16\r\n\r\n" + base64.b64encode(_MESSAGE),
            # The last byte comes after the end.
            b"\6"
            + _WEB.replace(b"1.1", b"1.0")
            + b"-text\r\ncontent-length: 15\r\n\r\n"
            + base64.b64encode(_MESSAGE),
            # The message is too long, and then no base64.
            b"\x08" + _WEB + b"-text\r\ncontent-length: 16\r\n\r\nAAAJAAVoZW\1\0\0\0==",
            b"\7" + _QUESTION + b"origin: http://here\r\naccess-control-request-headers: a,b\r\n\r\n",
        ],
    ),
    "http2-bytes": (
        read_http2_bytes,
        [
            b"\1" + _frame(1, 4, 1, BLOCKS[0]) + _frame(0, 1, 1, b"hello"),
            b"\2"
            + _frame(1, 0, 1, BLOCKS[4][:9])
            + _frame(9, 4, 1, BLOCKS[4][9:])
            + _frame(0, 1, 1, _MESSAGE),
        ],
    ),
    "http2-frames": (
        read_http2_frames,
        [
            b"\1\1\4\x81\0\0\1\1\5hello\4\0\0\x80\0\4\0\0\0\1\x08\0\1\x80\0\0\0\1",
            b"\2\1\4\x83\4\0\0\3\x0a" + _MESSAGE + b"\3\0\3\x80\0\0\0\x08\1\5\x83\x0a",
        ],
    ),
    "headers": (
        read_headers,
        [b"".join(bytes([len(each)]) + each for each in BLOCKS[:5]), b"\3\x3f\x01\x82\1\x20"],
    ),
    "messages": (read_messages, [b"\0" + _MESSAGE * 3, b"\1\1\0\0\0\5" + b"hello" + _MESSAGE]),
    "websocket": (
        read_websocket,
        [
            b"\1\x81\x85\0\0\0\0hello\x89\x80\0\0\0\0\x88\x82\0\0\0\0\3\xe8",
            b"\2\x01\x82\1\2\3\4ab\x80\x81\0\0\0\0c\x82\xfe\0\x80\0\0\0\0" + bytes(128),
        ],
    ),
}


# Without a fuzzer: seeds that were changed at random


def change(data: bytes, noise: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(noise.randrange(6)):
        at = noise.randrange(len(changed) + 1)
        match noise.randrange(4):
            case 0:
                changed[at : at + 1] = bytes([noise.randrange(256)])
            case 1:
                changed[at:at] = noise.choice((noise.randbytes(3), b"\r\n", b": ", b"\0\0\0", b"\xff"))
            case 2:
                del changed[at : at + noise.randrange(5)]
            case _:
                changed[at:at] = changed[: noise.randrange(len(changed) + 1)]
    return bytes(changed)


def main() -> None:
    runs, noise = int(sys.argv[1]), random.Random(int((sys.argv[2:] or ["1"])[0]))
    for name, (reader, seeds) in READERS.items():
        for number in range(runs):
            data = seeds[number] if number < len(seeds) else change(noise.choice(seeds), noise)
            try:
                reader(data)
            except Exception as error:
                raise AssertionError(f"{name} on {data!r}") from error
        print(f"{name}: {runs} inputs")


if __name__ == "__main__":
    main()
