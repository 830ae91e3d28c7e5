"""Connections that have become WebSockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import MutableMapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from wsproto import ConnectionType
from wsproto.connection import Connection as Frames
from wsproto.connection import ConnectionState
from wsproto.events import BytesMessage, CloseConnection, Event, Message, Ping, TextMessage
from wsproto.utilities import LocalProtocolError

from caikit.runtime.engine import RequestError
from caikit.runtime.transport._socket_pieces import FRAMES_AT_ONCE, Pieces
from caikit.runtime.transport.http_messages import RESTARTING, SocketClose, SocketEndpoint, too_large

from ._connection import Connection, Request
from ._heads import Head
from ._socket_talk import Talk

if TYPE_CHECKING:
    from ._http_service import HttpService

_SILENT_SECONDS = 15.0
_LINGER_SECONDS = 10.0
# After a frame that makes no sense nothing more can be read.
_DEAF_SECONDS = 1.0
_MOST_QUEUED_BYTES = 64 * 1024
_MOST_QUEUED = 64


class SocketConnection(Connection):
    """Reads frames and writes them; what is said between is the talk's."""

    def __init__(
        self, *common: Any, service: HttpService, endpoint: SocketEndpoint, head: Head, request_id: str
    ) -> None:
        super().__init__(*common)
        self._frames = Frames(ConnectionType.SERVER)
        self._pieces = Pieces(service.gate.bytes_held)
        self._longest_message = service.max_body_size
        self.head = head
        self._talk = Talk(self, service, endpoint, head, request_id)
        # Messages for the talk; reading pauses while those are too many, and while frames wait to be read on.
        self._news: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self._queued = 0
        self._crowded = self._behind = self._paused = False
        self._spoke_at = time.monotonic()
        self._closing = self._deaf = False
        self._ends_at = 0.0
        self.disconnected = False
        """The client, or we by ourselves, have ended the conversation."""

    def requests(self) -> list[Request]:
        return [self]

    # What the event loop tells

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self.hub.busy = True
        count = 0
        try:
            self._frames.receive_data(data)
            for event in islice(self._frames.events(), FRAMES_AT_ONCE):
                count += 1
                self._handle(event)
        except LocalProtocolError:
            # Something came after the last word of both sides.
            self.close()
        finally:
            self.hub.flush()
        if count == FRAMES_AT_ONCE and not self._behind:
            self._behind = True
            self.hub.loop.call_soon(self._read_on)
        self._pause_or_resume()

    def _read_on(self) -> None:
        self._behind = False
        if not self.closed:
            self.data_received(b"")

    def eof_received(self) -> None:
        # A client that has gone reads nothing of what waits to be written.
        if self.open:
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.hub.running -= 1
        self._pieces.clear()
        self._leave()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._talk.resume()

    # What the client says

    def _handle(self, event: Event) -> None:
        match event:
            case CloseConnection():
                self._be_closed(event)
            case _ if self._closing:
                return
            case TextMessage() | BytesMessage():
                self._take_piece(event)
            case Ping() if self.writable:
                # A client that does not read gets no answer: those would pile up.
                self._send(event.response())

    def _take_piece(self, event: TextMessage | BytesMessage) -> None:
        pieces = self._pieces
        try:
            pieces.add(event.data, last=event.message_finished)
        except RequestError as error:
            self.hang_up(SocketClose(1013, error.message[:100]))
            return
        if pieces.size > self._longest_message:
            self.hang_up(too_large(self._longest_message))
        elif event.message_finished:
            self._queued += pieces.size
            message = {"type": "websocket.receive", "bytes": pieces.take()}
            if self._talk.begun:
                self._news.put_nowait(message)
            else:
                self._talk.begin(message)
            if self._queued > _MOST_QUEUED_BYTES or self._news.qsize() > _MOST_QUEUED:
                self._pause(True)

    def _be_closed(self, event: CloseConnection) -> None:
        if self._frames.state is ConnectionState.OPEN:
            # The client has not closed, it has said what makes no sense.
            self._deaf = True
            self.hang_up(SocketClose(event.code, event.reason or ""), _DEAF_SECONDS)
            return
        if self._frames.state is ConnectionState.REMOTE_CLOSING:
            self._closing = True
            self._send(event.response())
        self._leave()
        self.close()

    async def receive(self) -> MutableMapping[str, Any]:
        """The next message, or the end."""
        # The first message was never in the queue, but has been counted.
        self._go_on_if_empty()
        message = await self._news.get()
        self._go_on_if_empty()
        return message

    def _go_on_if_empty(self) -> None:
        if self._news.empty():
            self._queued = 0
            self._pause(False)

    # What the talk says

    @property
    def open(self) -> bool:
        return not (self._closing or self.disconnected or self.closed)

    def say(self, item: bytes | SocketClose) -> None:
        if not self.open:
            return
        if isinstance(item, SocketClose):
            self._say_goodbye(item, _LINGER_SECONDS)
        else:
            self._send(Message(data=item.decode()))

    def hang_up(self, close: SocketClose, seconds: float = _LINGER_SECONDS) -> None:
        """End the conversation without asking the talk."""
        if self.open:
            self._say_goodbye(close, seconds)
            self._leave()

    def _say_goodbye(self, close: SocketClose, seconds: float) -> None:
        """Say the last word, and wait a while for that of the client: what it still sends would hide ours."""
        self._send(CloseConnection(code=close.code, reason=close.reason))
        self._closing = True
        self._ends_at = time.monotonic() + seconds
        self._pieces.clear()
        self._pause(False)

    def _leave(self) -> None:
        if not self.disconnected:
            self.disconnected = True
            self._news.put_nowait({"type": "websocket.disconnect"})
            self._talk.leave()

    def _send(self, event: Event) -> None:
        self._spoke_at = time.monotonic()
        self.write(self._frames.send(event))

    def _pause(self, crowded: bool) -> None:
        self._crowded = crowded
        self._pause_or_resume()

    def _pause_or_resume(self) -> None:
        paused = self._crowded or self._behind
        if paused != self._paused and not self.closed:
            self._paused = paused
            if paused:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    # What the server asks for

    def check(self, now: float) -> None:
        super().check(now)
        if self._closing:
            if now > self._ends_at:
                self.abort()
        elif self.open:
            self._talk.check(now)
            if self.writable and now - self._spoke_at > _SILENT_SECONDS:
                self._send(Ping())

    def drain(self) -> None:
        if not self._talk.begun:
            self.hang_up(RESTARTING)

    def stop(self) -> None:
        self._talk.stop()
        self.hang_up(RESTARTING)
