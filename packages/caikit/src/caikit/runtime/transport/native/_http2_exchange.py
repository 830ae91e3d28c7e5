"""One request over HTTP/2 and its answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from caikit.runtime.engine import REQUEST_ID_HEADER
from caikit.runtime.transport._turned_away import BY_HTTP_STATUS, CROWDED
from caikit.runtime.transport.http_messages import HeaderList, HttpAnswer

from . import _frames as frames
from ._header_blocks import encode_headers, encode_status
from ._http_call import HttpCall
from ._hub import SERVER

if TYPE_CHECKING:
    from caikit.runtime.engine import Gate

    from ._connection import Connection
    from ._grpc_web import WebStream
    from ._http2_stream import Stream
    from ._http_service import HttpService

_OF_CONNECTIONS = (b"connection",)
_REQUEST_ID = REQUEST_ID_HEADER.encode()


class Http2Exchange:
    """Takes what a stream reads to the call, and what the call answers to the stream."""

    __slots__ = ("_body_since", "_bytes", "_call", "_gate", "_since", "_started", "_stream", "request_id")

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._call: HttpCall | WebStream | None = None
        self._gate: Gate | None = None
        self._started = False
        self._since = self._body_since = time.monotonic()
        self._bytes = 0
        self.request_id = stream.head.choose_id()

    def begin(self, service: HttpService) -> None:
        limits, hub, head = self.connection.limits, self.connection.hub, self._stream.head
        limit = limits.concurrency
        crowded = limit is not None and (hub.running > limit or self.connection.crowd >= limit)
        if crowded and head.request.path not in limits.probes:
            service.gate.count(*CROWDED)
            self.send(
                HttpAnswer(503, b"Service Unavailable", [(b"content-type", b"text/plain; charset=utf-8")])
            )
            return
        self._stream.use(self)
        self._gate = service.gate
        self._call = service.begin(head, self)
        if self._call is not None and head.expects_word:
            self._stream.connection.write_block(self._stream.number, encode_status(100), end=False)

    # What the stream tells

    def receive(self, data: bytes) -> None:
        self._since = time.monotonic()
        self._bytes += len(data)
        if self._call is not None:
            self._call.receive(data)

    def complete(self) -> None:
        if self._call is not None:
            self._call.complete()

    def leave(self) -> None:
        if self._call is not None:
            self._call.leave()

    def resume(self) -> None:
        if self._call is not None:
            self._call.resume()

    def stop(self) -> None:
        if self._call is not None:
            self._call.stop()

    def check(self, now: float) -> None:
        if self._call is None:
            return
        self._call.check(now)
        limits = self.connection.limits
        if self._stream.remote_ended or self._call.reads_by_itself or limits.read_seconds is None:
            return
        seconds = now - self._body_since - limits.read_seconds
        slow = limits.min_body_rate is not None and self._bytes < seconds * limits.min_body_rate
        if slow or now - self._since > limits.read_seconds:
            if self._gate is not None and not self._started:
                self._gate.count(*BY_HTTP_STATUS[408])
            self._stream.reset(frames.CANCEL)

    # What the call answers

    @property
    def connection(self) -> Connection:
        return self._stream.connection

    @property
    def writable(self) -> bool:
        return self._stream.writable

    def send(self, answer: HttpAnswer) -> None:
        if self._started:
            return
        self._started = True
        block = self._block(answer.status, answer.headers, (b"content-length", b"%d" % len(answer.body)))
        if answer.body and self._stream.head.request.method != "HEAD":
            self._stream.answer(block, answer.body, b"")
        else:
            self._stream.start(block)
            self._stream.finish()

    def start(self, headers: HeaderList) -> None:
        if not self._started:
            self._started = True
            self._stream.start(self._block(200, headers))

    def write(self, chunk: bytes) -> None:
        self._stream.send(chunk)

    def end(self) -> None:
        self._stream.finish()

    def hold_body(self, held: bool) -> None:
        self._stream.hold(held)

    def _block(self, status: int, headers: HeaderList, *more: tuple[bytes, bytes]) -> bytes:
        kept = [(name, value) for name, value in headers if name not in _OF_CONNECTIONS]
        kept += ((b"server", SERVER), (b"date", self.connection.hub.date))
        kept.extend(more)
        kept.append((_REQUEST_ID, self.request_id.encode()))
        return encode_status(status) + encode_headers(kept)
