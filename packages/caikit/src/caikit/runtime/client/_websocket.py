"""One WebSocket, as the client of it."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import TYPE_CHECKING

from ._connections import Connection
from ._dialling import headers_of, host_of
from ._http_calls import MOST_ERROR_BYTES, HttpCall
from ._wire import Wire
from .utils import import_wsproto

if TYPE_CHECKING:
    from wsproto.events import Event

_GONE = 1001


class RefusedError(Exception):
    """The server has answered the handshake with something else than a WebSocket."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers
        self.body = body


class WebSocket:
    """A wire, and what the protocol remembers of it; failures are `OSError`s."""

    def __init__(self, wire: Wire) -> None:
        import_wsproto()
        from wsproto import ConnectionType, WSConnection

        self.wire = wire
        self._protocol = WSConnection(ConnectionType.CLIENT)
        # Frames are made by one thread and read by another.
        self._lock = threading.Lock()
        self._events: deque[Event] = deque()

    def open(self, connection: Connection, call: HttpCall) -> None:
        from wsproto.events import AcceptConnection, RejectConnection, RejectData, Request

        given = headers_of(connection, call)
        headers = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
        asked = Request(host=host_of(call.target), target=call.path, extra_headers=headers)
        self.wire.sendall(self._frame(asked))
        refusal, body = RejectConnection(), b""
        while True:
            match self.next_event():
                case AcceptConnection():
                    return
                case RejectConnection() as event:
                    refusal = event
                case RejectData(data=data, body_finished=finished):
                    body += data
                    if finished or len(body) > MOST_ERROR_BYTES:
                        texts = {name.decode(): value.decode("latin-1") for name, value in refusal.headers}
                        raise RefusedError(refusal.status_code, texts, body)

    def next_event(self) -> Event:
        while not self._events:
            self._receive()
        return self._events.popleft()

    def frame(self, text: str) -> bytes:
        """The bytes of a message."""
        from wsproto.events import TextMessage

        return self._frame(TextMessage(data=text))

    def reply(self, event: Event) -> None:
        with contextlib.suppress(OSError):
            self.wire.offer(self._frame(event))

    def close(self) -> None:
        """Say, if possible, that nobody listens any more."""
        from wsproto.events import CloseConnection

        self.reply(CloseConnection(code=_GONE))
        self.wire.close()

    def _receive(self) -> None:
        from wsproto.utilities import ProtocolError

        received = self.wire.recv()
        with self._lock:
            try:
                self._protocol.receive_data(received or None)
                self._events.extend(self._protocol.events())
            except ProtocolError as problem:
                raise ConnectionAbortedError(str(problem)) from problem
        if not received and not self._events:
            raise ConnectionResetError("The server has closed the connection")

    def _frame(self, event: Event) -> bytes:
        from wsproto.utilities import LocalProtocolError

        with self._lock:
            try:
                return self._protocol.send(event)
            except LocalProtocolError as problem:
                raise ConnectionAbortedError("The stream has ended") from problem
