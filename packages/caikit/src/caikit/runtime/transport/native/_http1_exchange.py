"""One request over HTTP/1.1 and its answer."""

from __future__ import annotations

from functools import cache, lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from caikit.runtime.transport._turned_away import CROWDED
from caikit.runtime.transport.http_messages import HeaderList, HttpAnswer, SocketEndpoint

from ._heads import Head
from ._http_call import HttpCall

if TYPE_CHECKING:
    from ._grpc_web import WebStream
    from ._http1 import Http1Connection
    from ._http_service import HttpService
    from ._socket_handshake import Handshake

_CONNECTION = b"connection"


class Exchange:
    """Takes what a connection reads to the call, and what the call answers to the connection."""

    __slots__ = (
        "_begun",
        "_call",
        "_chunked",
        "_early",
        "begun_answer",
        "connection",
        "head",
        "keep_alive",
        "received",
        "replied",
        "request_id",
    )

    def __init__(self, connection: Http1Connection, head: Head, *, keep_alive: bool) -> None:
        self.connection = connection
        self.head = head
        self.keep_alive = keep_alive
        self.request_id = head.choose_id()
        self.received = self.replied = self.begun_answer = False
        self._begun = False
        self._call: HttpCall | WebStream | Handshake | None = None
        self._early: list[bytes] = []
        self._chunked = False

    # What the connection tells

    def begin(self) -> None:
        self._begun = True
        connection = self.connection
        if self._is_one_too_many():
            connection.service.gate.count(*CROWDED)
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (_CONNECTION, b"close")]
            self.send(HttpAnswer(503, b"Service Unavailable", headers))
            return
        call = self._call = self._make_call(connection.service)
        if call is not None and self.head.expects_word and not self.received:
            connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        early, self._early = self._early, []
        for chunk in early:
            self.receive(chunk)
        if self.received and call is not None and not self.replied:
            call.complete()

    def _make_call(self, service: HttpService) -> HttpCall | WebStream | Handshake | None:
        if not self.head.asks_socket:
            return service.begin(self.head, self)
        # Only programs that are asked for a WebSocket need what it is made of.
        from ._socket_handshake import begin_handshake

        return begin_handshake(service, self.head, self)

    def receive(self, chunk: bytes) -> None:
        if not self._begun:
            self._early.append(chunk)
        elif self._call is not None and not self.replied:
            self._call.receive(chunk)

    def complete(self) -> None:
        self.received = True
        if self.replied:
            self.connection.received_late(self)
        elif self._call is not None:
            self._call.complete()

    def leave(self) -> None:
        if not self.replied:
            self.connection.hub.running -= 1
            self.replied = True
            call, self._call = self._call, None
            if call is not None:
                call.leave()

    def resume(self) -> None:
        if self._call is not None and not self.replied:
            self._call.resume()

    def check(self, now: float) -> None:
        if self._call is not None and not self.replied:
            self._call.check(now)

    def stop(self) -> None:
        if self._call is not None and not self.replied:
            self.keep_alive = False
            self._call.stop()

    @property
    def reads_by_itself(self) -> bool:
        return self._call is not None and not self.replied and self._call.reads_by_itself

    # What the call answers

    @property
    def writable(self) -> bool:
        return self.connection.writable

    def send(self, answer: HttpAnswer) -> None:
        if self.begun_answer or self.replied:
            return
        self.begun_answer = True
        size = b"content-length: %d\r\n\r\n" % len(answer.body)
        head = self._head_bytes(answer.status, answer.headers) + size
        self.connection.write(head if self.head.request.method == "HEAD" else head + answer.body)
        self._finish()

    def start(self, headers: HeaderList) -> None:
        if self.begun_answer or self.replied:
            return
        self.begun_answer = True
        self._chunked = self.head.version == "1.1"
        if not self._chunked:
            self.keep_alive = False
        coding = b"transfer-encoding: chunked\r\n\r\n" if self._chunked else b"\r\n"
        self.connection.write(self._head_bytes(200, headers) + coding)

    def write(self, chunk: bytes) -> None:
        if chunk and not self.replied:
            self.connection.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if self._chunked else chunk)

    def end(self) -> None:
        if not self.replied:
            if self._chunked:
                self.connection.write(b"0\r\n\r\n")
            self._finish()

    def hold_body(self, held: bool) -> None:
        self.connection.hold(held)

    def switch(self, headers: HeaderList, service: HttpService, endpoint: SocketEndpoint) -> None:
        """Answer with these headers; what follows is a WebSocket."""
        self.begun_answer = self.replied = self.keep_alive = True
        connection = self.connection
        connection.write(self._head_bytes(101, headers) + b"\r\n")
        connection.switch(self, service, endpoint)

    def _finish(self) -> None:
        self.replied = True
        self._call = None
        self.connection.answered(self, keep_alive=self.keep_alive)

    def _head_bytes(self, status: int, headers: HeaderList) -> bytes:
        said = [value for name, value in headers if name == _CONNECTION]
        if b"close" in said:
            self.keep_alive = False
        elif said and not self.keep_alive:
            headers = [header for header in headers if header[0] != _CONNECTION]
        head = b"%b%b%bx-request-id: %b\r\n" % (
            _status_line(status),
            self.connection.hub.own_headers,
            _header_lines(tuple(headers)),
            self.request_id.encode(),
        )
        if not self.keep_alive and b"close" not in said:
            return head + b"connection: close\r\n"
        if self.keep_alive and self.head.version == "1.0":
            return head + b"connection: keep-alive\r\n"
        return head

    def _is_one_too_many(self) -> bool:
        limit = self.connection.limits.concurrency
        if limit is None or self.head.request.path in self.connection.limits.probes:
            return False
        return self.connection.hub.running > limit or self.connection.crowd >= limit


@cache
def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return b"HTTP/1.1 %d %b\r\n" % (status, phrase.encode())


@lru_cache(64)
def _header_lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])
