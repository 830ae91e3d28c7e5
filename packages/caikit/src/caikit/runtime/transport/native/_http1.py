"""Connections that speak HTTP/1.1."""

from __future__ import annotations

import json
import time
from collections import deque
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING, Any

import alog
import httptools

from caikit.runtime.engine.limits import BODY_RATE_KEY, READ_SECONDS_KEY
from caikit.runtime.transport._asgi_jobs import broken
from caikit.runtime.transport._turned_away import BY_HTTP_STATUS
from caikit.runtime.transport.http_messages import HeaderList, SocketEndpoint

from ._connection import Connection, Request
from ._heads import Head
from ._http1_exchange import Exchange
from ._http1_heads import head_without_upgrade, read_target

if TYPE_CHECKING:
    from ._http_service import HttpService
    from ._services import Services

log = alog.use_channel("SERVR-NATIVE")

_LINGER_SECONDS = 2.0
_MANY_PIECES = 1000
_HEADER_COST = len(": \r\n")
_STOPPING = "The server is shutting down"


class _WrongHeadError(Exception):
    """What the client has sent is no request."""


class Http1Connection(Connection):
    """Parses requests and answers them one after another."""

    def __init__(self, *common: Any, services: Services) -> None:
        super().__init__(*common)
        self._services = services
        self._parser = httptools.HttpRequestParser(self)
        self._exchanges: deque[Exchange] = deque()
        """The first one is being answered; the others came before its answer."""
        self._reading: Exchange | None = None
        self._held = False
        self._draining = False
        self._lingering = False
        self._used = False
        self._in_head = False
        self._url = b""
        self._headers: HeaderList = []
        self._head_bytes = 0
        self._upgrading = False
        """The client asks for a WebSocket, or has one; what follows its request is kept for that."""
        self._ahead = b""
        self._declined: bytes | None = None
        """The head of a request that asks for a protocol which it will not get."""
        self._last: tuple[bytes, str, bytes] | None = None
        self._last_head: Head | None = None
        self._paused = self._resting = False
        self._progress = False
        self._pieces = 0
        """Of bodies, in what was read last."""
        self._idle_bytes = 0
        """Bytes that came without any of a body: a head, or what is between and after the pieces of a body."""
        self._since = time.monotonic()
        """Since when nothing but parts of a head have come."""
        self._body_since: float | None = None
        self._body_bytes = 0

    @property
    def service(self) -> HttpService:
        return self._services.front

    def requests(self) -> list[Request]:
        return list(self._exchanges)

    # What the event loop tells

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            return
        if self._upgrading:
            self._ahead += data
            return
        self.hub.busy = True
        self._progress = False
        self._pieces = 0
        was_in_head = self._in_head
        try:
            self._parse(data)
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, _WrongHeadError | None):
                self._refuse(400, "Invalid HTTP request received.")
            else:
                log.error("<RUN51820337E>", "A request could not be begun: %r", error.__context__)
                self._break_off()
        finally:
            self._note(len(data), was_in_head)
            self.hub.flush()
        if self._pieces > _MANY_PIECES:
            # The event loop would read on at once, many times; meanwhile, other clients have their turns.
            self._rest(True)
            self.hub.loop.call_soon(self._rest, False)

    def _rest(self, resting: bool) -> None:
        self._resting = resting
        self._pause_or_resume()

    def _parse(self, data: bytes) -> None:
        while (end := self._feed(data)) is not None:
            rest = data[end:]
            if self._declined is not None:
                head, self._declined = self._declined, None
                self._parser = httptools.HttpRequestParser(self)
                data = head + rest
                continue
            if self._upgrading or (self._exchanges and self._exchanges[-1].head.asks_socket):
                self._ahead = rest
                self._upgrading = True
                self._pause_or_resume()
            else:
                # The request was read to its end; what follows may be in another language.
                self._end_reading()
            return

    def _feed(self, data: bytes) -> int | None:
        """Where another protocol begins, if one does."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return int(upgrade.args[0])
        return None

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.leave()

    def leave(self) -> None:
        for exchange in self._exchanges:
            exchange.leave()
        self._exchanges.clear()
        self._reading = None

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._exchanges:
            self._exchanges[0].resume()

    # What the parser tells

    def on_message_begin(self) -> None:
        self._used = self._in_head = True
        self._url = b""
        self._headers = []
        self._head_bytes = self._idle_bytes = 0
        self._body_since = None

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._head_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._progress = True
        if self._lingering or self.closed:
            return
        self._head_bytes += len(b"".join(chain.from_iterable(self._headers)))
        self._head_bytes += _HEADER_COST * len(self._headers)
        if self._head_bytes > self.limits.head_bytes:
            self._refuse_head()
            return
        try:
            head = self._make_head()
        except ValueError as error:
            raise _WrongHeadError from error
        parser = self._parser
        if parser.should_upgrade() and not head.asks_socket and head.request.method != "CONNECT":
            # The parser would leave the body to the other protocol.
            self._declined = head_without_upgrade(parser, self._url, self._headers)
            return
        keep_alive = parser.should_keep_alive() and not self._draining and not parser.should_upgrade()
        exchange = self._reading = Exchange(self, head, keep_alive=keep_alive)
        self._exchanges.append(exchange)
        self.hub.running += 1
        if len(self._exchanges) == 1:
            exchange.begin()
        else:
            self._pause_or_resume()

    def _make_head(self) -> Head:
        """The head that was read; the last one again if it is the same, as it often is."""
        method, version = self._parser.get_method(), self._parser.get_http_version()
        same = (method, version, self._url)
        if self._last == same and self._last_head is not None and self._last_head.headers == self._headers:
            return self._last_head
        if version not in ("1.0", "1.1"):
            raise ValueError("no HTTP/1")
        scheme = "https" if self.is_secure else "http"
        head = Head(method.decode("latin-1"), read_target(self._url), scheme, self._headers, version)
        if head.hosts != 1 and not (head.hosts == 0 and version == "1.0"):
            raise ValueError("no host, or more than one")
        if head.asks_socket:
            # Otherwise the header means nothing, or only something to a proxy.
            head.asks_socket = version == "1.1" and self._parser.should_upgrade()
            if head.asks_socket and (head.length or head.values(b"transfer-encoding")):
                raise ValueError("a handshake with a body, which would be taken for frames")
        self._last, self._last_head = same, head
        return head

    def on_body(self, body: bytes) -> None:
        self._progress = True
        self._pieces += 1
        if self._reading is not None:
            self._body_bytes += len(body)
            self._reading.receive(body)

    def on_message_complete(self) -> None:
        exchange, self._reading = self._reading, None
        self._since = time.monotonic()
        self._idle_bytes = 0
        if exchange is not None:
            exchange.complete()

    # What exchanges tell

    def answered(self, exchange: Exchange, *, keep_alive: bool) -> None:
        """The answer of the first exchange has been written."""
        self.hub.running -= 1
        if not keep_alive:
            self._end_reading()
        elif exchange.received:
            self._next()

    def received_late(self, exchange: Exchange) -> None:
        """The body of a request that was answered before has come to its end."""
        self._next()

    def switch(self, exchange: Exchange, service: HttpService, endpoint: SocketEndpoint) -> None:
        """The WebSocket that was asked for begins."""
        from ._socket import SocketConnection

        self._exchanges.clear()
        self._upgrading = True
        successor = SocketConnection(
            self.hub,
            self.limits,
            self._connections,
            service=service,
            endpoint=endpoint,
            head=exchange.head,
            request_id=exchange.request_id,
        )
        # The parser is still at work, and what follows the request is not known yet.
        self.hub.loop.call_soon(self._hand_over, successor)

    def _hand_over(self, successor: Connection) -> None:
        self.flush()
        if self.closed:
            self.hub.running -= 1
            return
        self._connections.discard(self)
        self._transport.set_protocol(successor)
        successor.connection_made(self._transport)
        self._transport.resume_reading()
        if self.hub.draining:
            successor.drain()
        if self._ahead:
            successor.data_received(self._ahead)

    def hold(self, held: bool) -> None:
        self._held = held
        self._pause_or_resume()

    def _next(self) -> None:
        self._exchanges.popleft()
        self._since = time.monotonic()
        if self._draining:
            self._refuse_unread()
        if self._exchanges:
            self._exchanges[0].begin()
        self._pause_or_resume()

    def _pause_or_resume(self) -> None:
        waits = self._held or self._upgrading or self._resting or len(self._exchanges) > 1
        pause = waits and not self._lingering
        if pause != self._paused and not self.closed:
            self._paused = pause
            if pause:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _end_reading(self) -> None:
        """Answer what is being answered, then close the connection."""
        self._draining = True
        first = self._exchanges[0] if self._exchanges else None
        if first is not None and not first.replied:
            first.keep_alive = False
            return
        self.hub.running -= sum(not exchange.replied for exchange in self._exchanges)
        unread = first is not None and not first.received
        self._exchanges.clear()
        self._reading = None
        if unread:
            self._linger()
        else:
            self.close()

    def _linger(self) -> None:
        """Close, but read on for a moment: else the client may never see the answer."""
        self._lingering = True
        self._since = time.monotonic()
        self.flush()
        self._pause_or_resume()
        if not self.closed:
            if self._transport.can_write_eof():
                self._transport.write_eof()
            else:
                self.close()

    # Limits

    def _note(self, size: int, was_in_head: bool) -> None:
        """Count what is not done yet."""
        if self._lingering or self.closed:
            return
        if self._in_head:
            if not was_in_head:
                self._since = time.monotonic()
            else:
                self._idle_bytes += size
            if self._idle_bytes > self.limits.head_bytes:
                self._refuse_head()
        elif self._reading is not None:
            if self._progress:
                self._since = time.monotonic()
                self._idle_bytes = 0
                if self._body_since is None:
                    self._body_since, self._body_bytes = self._since, 0
            else:
                self._idle_bytes += size
                if self._idle_bytes > self.limits.head_bytes:
                    self._refuse(400, "Invalid HTTP request received.")

    def check(self, now: float) -> None:
        super().check(now)
        if self.closed:
            return
        if self._lingering:
            if now - self._since > _LINGER_SECONDS:
                self.abort()
            return
        if self._exchanges:
            self._exchanges[0].check(now)
        limit = self.limits.read_seconds
        if self._in_head or self._reading is not None:
            if limit is not None and not self._held and not self._reads_by_itself:
                self._check_sender(now, limit)
        elif not self._exchanges:
            idle = self.limits.idle_seconds if self._used else limit
            if idle is not None and now - self._since > idle:
                self.close()

    @property
    def _reads_by_itself(self) -> bool:
        return self._reading is not None and self._reading.reads_by_itself

    def _check_sender(self, now: float, limit: float) -> None:
        rate = self.limits.min_body_rate
        if now - self._since > limit:
            self._refuse(408, f"The request was not complete after {limit:g} seconds ({READ_SECONDS_KEY})")
        elif self._body_since is not None and rate is not None:
            seconds = now - self._body_since - limit
            if self._body_bytes < seconds * rate:
                self._refuse(408, f"The body comes slower than {rate:g} bytes per second ({BODY_RATE_KEY})")

    def _refuse_head(self) -> None:
        self._refuse(431, f"The headers are larger than {self.limits.head_bytes} bytes")

    def _refuse(self, status: int, detail: str) -> None:
        """Answer in place of the application and close the connection."""
        if self._lingering or self._ending or self.closed:
            return
        first = self._exchanges[0] if self._exchanges else None
        reading = self._reading
        if first is not None and (first is not reading or first.begun_answer):
            # An answer is on its way: nothing may come between.
            self._in_head, self._reading = False, None
            if first.begun_answer and not first.replied:
                self.abort()
            else:
                first.received = True
                self._end_reading()
            return
        if first is not None:
            first.leave()
            self._exchanges.clear()
        self._reading = None
        if status in BY_HTTP_STATUS:
            self.service.gate.count(*BY_HTTP_STATUS[status])
        lines = [
            b"HTTP/1.1 %d %b" % (status, HTTPStatus(status).phrase.encode()),
            self.hub.own_headers[:-2],
            b"content-type: application/json",
            b"connection: close",
        ]
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            lines.append(b"retry-after: 1")
        body = json.dumps({"detail": detail}).encode()
        self.write(b"\r\n".join([*lines, b"content-length: %d" % len(body), b"", body]))
        self._draining = True
        self._linger()

    def _break_off(self) -> None:
        """End the requests, because it is not known for which of them nobody makes an answer any more."""
        if self._exchanges and self._exchanges[0].begun_answer:
            self.abort()
        else:
            self.leave()
            self._refuse(500, broken().message)

    # What the server asks for

    @property
    def is_idle(self) -> bool:
        return not (self._exchanges or self._lingering or self._upgrading or self.closed)

    def close_idle(self) -> None:
        if self._in_head:
            self._refuse(503, _STOPPING)
        else:
            self.close()

    def drain(self) -> None:
        self._draining = True
        self._refuse_unread()
        if self._exchanges and not self._exchanges[-1].begun_answer:
            self._exchanges[-1].keep_alive = False

    def _refuse_unread(self) -> None:
        """Do not wait for the body of the first request, unless it is read while it is answered."""
        reading = self._reading
        if reading is None or reading is not self._exchanges[0] or reading.begun_answer:
            return
        if not reading.reads_by_itself:
            self._refuse(503, _STOPPING)

    def stop(self) -> None:
        if self._exchanges:
            self._exchanges[0].stop()
        self.close()
