"""One stream of an HTTP/2 connection: flow control in both directions, and its end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import alog

from caikit.runtime.engine.limits import STALL_SECONDS_KEY

from . import _frames as frames
from ._frames import StreamFault
from ._heads import Head
from ._http2_exchange import Http2Exchange
from ._limits import MAX_FRAME

if TYPE_CHECKING:
    from ._http2 import Http2Connection
    from ._http_service import HttpService

log = alog.use_channel("SERVR-NATIVE")

_LAST = frames.END_HEADERS | frames.END_STREAM


class StreamUser(Protocol):
    """The request that a stream carries."""

    def receive(self, data: bytes) -> None: ...

    def complete(self) -> None:
        """The client has said everything."""

    def leave(self) -> None:
        """The client does not want an answer any more."""

    def resume(self) -> None:
        """The stream is writable again."""

    def stop(self) -> None: ...

    def check(self, now: float) -> None: ...


class Stream:
    __slots__ = (
        "_at",
        "_held",
        "_pending",
        "_pending_since",
        "_received",
        "_send_window",
        "_trailers",
        "_unreleased",
        "_user",
        "begun",
        "connection",
        "ended",
        "head",
        "number",
        "remote_ended",
    )

    def __init__(self, connection: Http2Connection, number: int, head: Head) -> None:
        self.connection = connection
        self.number = number
        self.head = head
        self.remote_ended = False
        self.ended = False
        """Nothing more can be sent."""
        self._user: StreamUser | None = None
        self.begun = False
        self._send_window = connection.peer.initial_window
        self._pending = b""
        self._at = 0
        """How much of what is pending was sent."""
        self._pending_since = 0.0
        self._trailers: bytes | None = None
        """The block that follows what is pending; empty for an end without trailers."""
        self._received = 0
        self._unreleased = 0
        self._held = False

    def choose_id(self) -> str:
        return self.head.choose_id()

    def use(self, user: StreamUser) -> None:
        self._user = user

    def serve_http(self, service: HttpService) -> None:
        Http2Exchange(self).begin(service)

    # What the connection tells

    def receive(self, data: bytes, size: int) -> None:
        """`size` counts padding, too."""
        if self.remote_ended:
            raise StreamFault(frames.STREAM_CLOSED, "data after the end")
        self._received += len(data)
        length = self.head.length
        if length is not None and self._received > length:
            raise StreamFault(frames.PROTOCOL_ERROR, "more data than was announced")
        self._unreleased += size
        if self._unreleased > self.connection.limits.stream_window:
            raise StreamFault(frames.FLOW_CONTROL_ERROR, "more data than the window allows")
        if self._user is not None and data:
            self._user.receive(data)
        if not self._held and self._unreleased * 2 > self.connection.limits.stream_window:
            self._release()

    def receive_end(self) -> None:
        if self.remote_ended:
            raise StreamFault(frames.STREAM_CLOSED, "an end after the end")
        self.remote_ended = True
        length = self.head.length
        if length is not None and self._received != length:
            raise StreamFault(frames.PROTOCOL_ERROR, "less data than was announced")
        if self.ended:
            self.connection.forget(self)
        elif self._user is not None:
            self._user.complete()

    def leave(self) -> None:
        """Forget the stream without a word; the client has gone or will be told elsewhere."""
        if not self.ended:
            self.ended = True
            self._pending = b""
            user, self._user = self._user, None
            if user is not None:
                user.leave()
        self.connection.forget(self)

    def widen(self, increment: int) -> None:
        """The client takes more, or, after new settings, maybe less."""
        self._send_window += increment
        if self._send_window > frames.LARGEST_WINDOW:
            raise StreamFault(frames.FLOW_CONTROL_ERROR, "a window of a wrong size")
        if self._pending and self._send_window > 0:
            self.send_waiting(most=len(self._pending))

    def resume(self) -> None:
        if self._user is not None and self.writable:
            self._user.resume()

    def stop(self) -> None:
        if self._user is not None and not self.ended:
            self._user.stop()

    def check(self, now: float) -> None:
        limit = self.connection.limits.stall_seconds
        if self._pending and limit is not None and now - self._pending_since > limit:
            log.warning(
                "<RUN51820340W>",
                "A request is given up: its client has read nothing for %g seconds (%s)",
                limit,
                STALL_SECONDS_KEY,
            )
            self.reset(frames.CANCEL)
        elif self._user is not None:
            self._user.check(now)

    # What the request sends

    @property
    def writable(self) -> bool:
        return not self._pending and self.connection.writable

    def start(self, block: bytes) -> None:
        if not self.ended:
            self.begun = True
            self.connection.write_block(self.number, block, end=False)

    def send(self, data: bytes) -> None:
        if self.ended or not data:
            return
        if not self._pending:
            self._pending, self._at, self._pending_since = data, 0, time.monotonic()
            self.send_waiting(most=len(data))
        else:
            self._pending = self._pending[self._at :] + data
            self._at = 0

    def finish(self, trailers: bytes = b"") -> None:
        """Nothing follows but these trailers."""
        if self.ended or self._trailers is not None:
            return
        self._trailers = trailers
        if not self._pending:
            self._end()

    def answer(self, block: bytes, data: bytes, trailers: bytes) -> None:
        """A whole answer."""
        size = len(data)
        connection = self.connection
        fits = size <= MAX_FRAME and size <= self._send_window and size <= connection.send_window
        if (
            connection.block_start
            or self.ended
            or not fits
            or self.begun
            or len(block) + len(trailers) > MAX_FRAME
        ):
            if not self.begun:
                self.start(block)
            self.send(data)
            self.finish(trailers)
            return
        connection.send_window -= size
        number, make = self.number, frames.make_short_head
        parts = [
            make(0, len(block), frames.HEADERS, frames.END_HEADERS, number),
            block,
            make(0, size, frames.DATA, 0 if trailers else frames.END_STREAM, number),
            data,
        ]
        if trailers:
            parts += (make(0, len(trailers), frames.HEADERS, _LAST, number), trailers)
        connection.write(b"".join(parts))
        self._close()

    def refuse(self, block: bytes) -> None:
        """An answer that is nothing but headers."""
        if not self.ended:
            self.connection.write_block(self.number, block, end=True)
            self._close()

    def reset(self, code: int) -> None:
        if not self.ended:
            self.connection.write(frames.reset(self.number, code))
        self.leave()

    def send_waiting(self, *, most: int) -> None:
        """Send what the windows allow, no more than so many bytes."""
        connection = self.connection
        pending, at = self._pending, self._at
        room = min(len(pending) - at, self._send_window, connection.send_window, most)
        ends = self._trailers == b""
        while room > 0:
            size = min(room, MAX_FRAME)
            flags = frames.END_STREAM if ends and at + size == len(pending) else 0
            connection.write(
                frames.frame_head(size, frames.DATA, flags, self.number) + pending[at : at + size]
            )
            at += size
            room -= size
            self._send_window -= size
            connection.send_window -= size
        if at > self._at:
            self._pending_since = time.monotonic()
        self._at = at
        if at < len(pending):
            if self._send_window > 0:
                connection.wait_for_window(self)
            return
        self._pending, self._at = b"", 0
        if ends:
            self._close()
        elif self._trailers is not None:
            self._end()
        elif at:
            self.resume()

    def hold(self, held: bool) -> None:
        """Let the client send no more than its window, or open that again."""
        self._held = held
        if not held:
            self._release()

    def _release(self) -> None:
        if self._unreleased and not self.remote_ended and not self.ended:
            self.connection.write(frames.window_update(self.number, self._unreleased))
            self._unreleased = 0

    def _end(self) -> None:
        if self._trailers:
            self.connection.write_block(self.number, self._trailers, end=True)
        else:
            self.connection.write(frames.frame(frames.DATA, frames.END_STREAM, self.number))
        self._close()

    def _close(self) -> None:
        """Everything was sent. A client that still sends is told that nobody listens."""
        self.ended = True
        self._user = None
        if not self.remote_ended:
            self.connection.write(frames.reset(self.number, frames.NO_ERROR))
        self.connection.forget(self)
