"""WebSockets for uvicorn: like its own, but bounded, patient while the server drains, and never without a last word."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from functools import lru_cache, partial
from itertools import islice
from typing import Any, cast
from urllib.parse import unquote

import alog
import uvicorn
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from caikit.runtime.engine import RequestError
from caikit.runtime.engine.limits import STALL_SECONDS_KEY

from ._asgi_access import PEER_KEY
from ._asgi_scope import Message as AsgiMessage
from ._peer_names import peer_names
from ._socket_pieces import FRAMES_AT_ONCE, Pieces
from ._uvicorn_protocol import ConnectionLimits
from .http_messages import RESTARTING, HeaderList, SocketClose, too_large

log = alog.use_channel("SERVR-HTTP")

_MOST_QUEUED_BYTES = 64 * 1024
_MOST_QUEUED = 64
_SILENT_SECONDS = 15.0
_LINGER_SECONDS = 10.0
_DEAF_SECONDS = 1.0
_PARTING_SECONDS = 0.5


class ClientGoneError(OSError):
    """Raised when something is sent and the client has left."""


class SocketProtocol(asyncio.Protocol):
    """One connection, from its handshake to its end; `check` is called from time to time."""

    limits = ConnectionLimits()

    def __init__(self, config: uvicorn.Config, server_state: Any, app_state: dict[str, Any]) -> None:
        """What uvicorn gives every protocol."""
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._loop = asyncio.get_running_loop()
        self._socket = WSConnection(ConnectionType.SERVER)
        self._transport: asyncio.Transport
        # What the application is to be told; reading pauses while that is too much, and while frames are left over.
        self._news: asyncio.Queue[AsgiMessage] = asyncio.Queue()
        self._queued = 0
        self._behind = self._paused = False
        self._pieces = Pieces(self.limits.bytes_held)
        self._writable = asyncio.Event()
        self._writable.set()
        self._unwritten: int | None = None
        self._unwritten_since = self._spoke_at = time.monotonic()
        self._accepted = self._declined = self._closing = self._deaf = self._heard = False
        self._stopping = False
        self._lost = asyncio.Event()
        self._linger: asyncio.TimerHandle | None = None
        self.disconnected = False
        """The client, or we by ourselves, have ended the conversation."""

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._server_state.connections.add(self)

    def eof_received(self) -> None:
        # A client that has gone reads nothing of what waits to be written.
        if self._is_open:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server_state.connections.discard(self)
        if self._linger is not None:
            self._linger.cancel()
        self._pieces.clear()
        self._lost.set()
        self._leave(SocketClose(1006))

    def data_received(self, data: bytes) -> None:
        if self._deaf or self._declined:
            return
        count = 0
        try:
            self._socket.receive_data(data)
            for event in islice(self._socket.events(), FRAMES_AT_ONCE):
                count += 1
                self._handle(event)
        except RemoteProtocolError as error:
            # Only a handshake fails so; what is wrong with a frame is an event.
            hint = error.event_hint
            if isinstance(hint, RejectConnection):
                body = json.dumps({"detail": str(error)}).encode()
                headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
                self._decline(hint.status_code, [*hint.headers, *headers], has_body=True)
                self._write(RejectData(data=body))
            self._transport.close()
        except UnicodeError:
            # A host that is none.
            self._decline(400, [])
        except LocalProtocolError:
            # Something came after the last word of both sides.
            self._transport.close()
        if count == FRAMES_AT_ONCE and not self._behind:
            self._behind = True
            self._pause()
            self._loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        self._behind = False
        if not self._lost.is_set():
            self.data_received(b"")
        if self._closing or not self._is_crowded:
            self._resume()

    def pause_writing(self) -> None:
        self._writable.clear()
        self._unwritten = self._transport.get_write_buffer_size()
        self._unwritten_since = time.monotonic()

    def resume_writing(self) -> None:
        self._unwritten = None
        self._writable.set()

    # What the server tells

    def check(self, now: float) -> None:
        """End the connection if its client reads nothing for too long, and show it that we live."""
        if self._unwritten is not None:
            self._check_reader(self._unwritten, now)
        elif self._is_open and now - self._spoke_at > _SILENT_SECONDS:
            self._write(Ping())

    def shutdown(self) -> None:
        """What is being said may be finished, as long as the server waits."""
        self._stopping = True
        if self._closing:
            self._transport.close()
        elif self._accepted and not self._heard:
            self._hang_up(RESTARTING)

    # What the client says

    def _handle(self, event: Event) -> None:
        match event:
            case Request():
                self._begin(event)
            case CloseConnection():
                self._be_closed(event)
            case _ if self._closing:
                return
            case TextMessage() | BytesMessage():
                self._take_piece(event)
            case Ping() if self._writable.is_set():
                # A client that does not read gets no answer: those would pile up.
                self._write(event.response())

    def _begin(self, event: Request) -> None:
        target = event.target
        if not target.startswith("/"):
            # As it is sent to proxies.
            target = "/" + target.partition("://")[2].partition("/")[2]
        path, _, query = target.partition("?")
        root: str = self._config.root_path
        secure = is_ssl(self._transport)
        headers = [(b"host", event.host.encode())]
        headers += [(name.lower(), value) for name, value in event.extra_headers]
        scope: AsgiMessage = {
            "type": "websocket",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "wss" if secure else "ws",
            "server": get_local_addr(self._transport),
            "client": get_remote_addr(self._transport),
            "root_path": root,
            "path": root + unquote(path),
            "raw_path": (root + path).encode("ascii"),
            "query_string": query.encode("ascii"),
            "headers": headers,
            "subprotocols": event.subprotocols,
            "state": self._app_state.copy(),
            "extensions": {"websocket.http.response": {}},
        }
        if secure:
            scope["state"][PEER_KEY] = partial(peer_names, self._transport)
        # Nothing more is taken from a client that does not wait to be accepted.
        self._pause()
        self._news.put_nowait({"type": "websocket.connect"})
        task = self._loop.create_task(self._run(scope))
        self._server_state.tasks.add(task)
        task.add_done_callback(self._server_state.tasks.discard)

    def _take_piece(self, event: TextMessage | BytesMessage) -> None:
        self._heard = True
        limits, pieces = self.limits, self._pieces
        try:
            pieces.add(event.data, last=event.message_finished)
        except RequestError as error:
            self._hang_up(SocketClose(1013, error.message[:100]))
            return
        if pieces.size > limits.message_bytes:
            self._hang_up(too_large(limits.message_bytes))
        elif event.message_finished:
            self._queued += pieces.size
            whole: Any = pieces.take()
            message: AsgiMessage = {"type": "websocket.receive", "bytes": whole}
            if isinstance(event, TextMessage):
                message = {"type": "websocket.receive", "text": whole.decode()}
            self._news.put_nowait(message)
            if self._is_crowded:
                self._pause()

    @property
    def _is_crowded(self) -> bool:
        return self._queued > _MOST_QUEUED_BYTES or self._news.qsize() > _MOST_QUEUED

    def _be_closed(self, event: CloseConnection) -> None:
        state = self._socket.state
        if state is ConnectionState.OPEN:
            # The client has not closed, it has said what makes no sense.
            self._deaf = True
            self._hang_up(SocketClose(event.code, event.reason or ""), _DEAF_SECONDS)
            return
        if state is ConnectionState.REMOTE_CLOSING:
            self._closing = True
            self._write(event.response())
        self._leave(SocketClose(event.code, event.reason or ""))
        self._transport.close()

    # What the application says

    async def receive(self) -> AsgiMessage:
        message = await self._news.get()
        if self._news.empty():
            self._queued = 0
            if self._accepted:
                self._resume()
        return message

    async def send(self, message: AsgiMessage) -> None:
        kind = message["type"]
        if kind != "websocket.close":
            await self._writable.wait()
        if self.disconnected:
            raise ClientGoneError
        match kind:
            case "websocket.send":
                said: Any = message.get("text")
                if said is None:
                    said = message["bytes"]
                self._write(Message(data=said))
            case "websocket.accept":
                self._accepted = True
                self._write(AcceptConnection(extra_headers=self._add_own_headers(message)))
                self._resume()
                # What came with the handshake was kept.
                self.data_received(b"")
            case "websocket.close" if self._accepted:
                self._close(SocketClose(message.get("code", 1000), message.get("reason") or ""))
            case "websocket.close":
                self._decline(403, [])
            case "websocket.http.response.start":
                self._decline(message["status"], self._add_own_headers(message), has_body=True)
            case "websocket.http.response.body":
                last = not message.get("more_body", False)
                self._write(RejectData(data=message.get("body", b""), body_finished=last))
                if last:
                    self._transport.close()

    async def _run(self, scope: AsgiMessage) -> None:
        end = SocketClose(1000)
        try:
            # uvicorn has its own names for the types of the two functions.
            await self._config.loaded_app(scope, self.receive, self.send)
        except ClientGoneError:
            return
        except asyncio.CancelledError:
            end = RESTARTING
        except BaseException:
            log.exception({"log_code": "<RUN51820336E>", "message": "A WebSocket failed"})
            end = SocketClose(1011)
        if self._is_open:
            self._close(end)
        elif not (self._accepted or self._declined or self.disconnected):
            self._decline(500, [])
        if self._stopping:
            await self._see_off()

    # The end

    @property
    def _is_open(self) -> bool:
        return self._accepted and not (self._closing or self.disconnected)

    def _decline(self, status: int, headers: HeaderList, *, has_body: bool = False) -> None:
        self._declined = True
        headers = [*headers, (b"connection", b"close")]
        self._write(RejectConnection(status_code=status, headers=headers, has_body=has_body))
        if not has_body:
            self._transport.close()

    def _hang_up(self, close: SocketClose, seconds: float = _LINGER_SECONDS) -> None:
        """End the conversation without asking the application."""
        self._close(close, seconds)
        self._leave(close)

    def _close(self, close: SocketClose, seconds: float = _LINGER_SECONDS) -> None:
        """Say the last word, and wait a while for that of the client: what it still sends would hide ours."""
        if self._closing:
            return
        self._write(CloseConnection(code=close.code, reason=close.reason))
        self._closing = True
        self._pieces.clear()
        self._resume()
        self._linger = self._loop.call_later(seconds, self._transport.abort)

    async def _see_off(self) -> None:
        """Let the last word leave before the loop ends, which cancels whoever waits."""
        with contextlib.suppress(asyncio.CancelledError):
            await self._lost.wait()
        with contextlib.suppress(asyncio.CancelledError, asyncio.TimeoutError):
            await asyncio.wait_for(self._lost.wait(), _PARTING_SECONDS)
        self._transport.abort()
        await asyncio.sleep(0)

    def _leave(self, close: SocketClose) -> None:
        if not self.disconnected:
            self.disconnected = True
            self._writable.set()
            self._news.put_nowait(
                {"type": "websocket.disconnect", "code": close.code, "reason": close.reason}
            )

    def _check_reader(self, unwritten: int, now: float) -> None:
        size, seconds = self._transport.get_write_buffer_size(), self.limits.stall_seconds
        if size < unwritten:
            self._unwritten, self._unwritten_since = size, now
        elif seconds is not None and now - self._unwritten_since > seconds:
            log.warning(
                "<RUN51820334W>",
                "A client has read nothing for %g seconds (%s) and is disconnected",
                seconds,
                STALL_SECONDS_KEY,
            )
            self._transport.abort()

    def _write(self, event: Event) -> None:
        self._spoke_at = time.monotonic()
        data = self._socket.send(event)
        if not self._transport.is_closing():
            self._transport.write(data)

    def _add_own_headers(self, message: AsgiMessage) -> HeaderList:
        return [*self._server_state.default_headers, *message.get("headers", ())]

    def _pause(self) -> None:
        if not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._paused and not self._behind and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()


@lru_cache
def limited_socket(limits: ConnectionLimits) -> type[SocketProtocol]:
    """The class of WebSockets with these limits."""
    return type("Socket", (SocketProtocol,), {"limits": limits})
