"""Connections that speak HTTP/2."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import alog

from caikit.runtime.transport._turned_away import BY_HTTP_STATUS

from . import _frames as frames
from ._connection import GOODBYE_SECONDS, Connection, Request
from ._frames import ConnectionFault, StreamFault
from ._header_blocks import HeadReader, HeadTooLargeError, encode_status
from ._header_decoder import PATIENCE
from ._heads import Head
from ._http2_age import Age
from ._http2_settings import PeerSettings, own_settings
from ._http2_stream import Stream
from ._limits import MAX_FRAME, Bucket

if TYPE_CHECKING:
    from ._grpc_service import GrpcService
    from ._http_service import HttpService
    from ._services import Services

log = alog.use_channel("SERVR-NATIVE")

_MOST_CONTINUATIONS = 32
# Answers to control frames that may wait for a client that does not read.
_MOST_CONTROL_BYTES = 64 * 1024
_MOST_ABANDONED = 1024
# A header block that begins like this says that we keep no table, which we never do.
_NO_TABLE = b"\x20"


class Http2Connection(Connection):
    """Reads frames and keeps the streams."""

    def __init__(self, *common: Any, services: Services) -> None:
        super().__init__(*common)
        self._services = services
        self.peer = PeerSettings()
        self.send_window = frames.DEFAULT_WINDOW
        self.streams: dict[int, Stream] = {}
        self._waiting: dict[Stream, None] = {}
        """Streams with data that the windows do not let out, in the order of their turns."""
        self._rest = b""
        self._preface_missing = True
        self._settings_missing = True
        self._block: tuple[int, int, list[bytes]] | None = None
        """Stream, flags and pieces of a header block that is not complete."""
        self._block_size = 0
        self.last_stream = 0
        self._refuse_above = frames.LARGEST_STREAM
        self._abandoned: dict[int, None] = {}
        """Streams that ended before the client had said everything; what is on its way for them is no mistake."""
        self.block_start = b""
        """What the next header block has to begin with."""
        self._unacknowledged = 0
        """Bytes of data for which the connection's window was not opened again."""
        self._granted = frames.DEFAULT_WINDOW
        self._sent_before_ping = 0
        self._resets = Bucket(self.limits.reset_rate)
        self._controls = Bucket(self.limits.control_rate)
        self._draining = False
        self._heard_at = self._began_at = time.monotonic()
        """When something came; when that began which is not complete."""
        self._age = Age(self.limits)
        self._pinged_at: float | None = None
        self._handlers: dict[int, Callable[[int, int, bytes], None]] = {
            frames.DATA: self._take_data,
            frames.HEADERS: self._take_headers,
            frames.PRIORITY: self._take_priority,
            frames.RST_STREAM: self._take_reset,
            frames.SETTINGS: self._take_settings,
            frames.PUSH_PROMISE: self._take_push,
            frames.PING: self._take_ping,
            frames.GOAWAY: self._take_goaway,
            frames.WINDOW_UPDATE: self._take_window,
            frames.CONTINUATION: self._take_continuation,
        }

    def requests(self) -> list[Request]:
        return list(self.streams.values())

    # What the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._reader = HeadReader(
            most_bytes=self.limits.head_bytes, scheme="https" if self.is_secure else "http"
        )
        more = self.limits.connection_window - frames.DEFAULT_WINDOW
        self.write(frames.settings_frame(own_settings(self.limits)) + frames.window_update(0, more))

    def data_received(self, data: bytes) -> None:
        self.hub.busy = True
        try:
            self._rest = self._read(self._rest + data if self._rest else data)
        except ConnectionFault as fault:
            self._give_up(fault)
        finally:
            self.hub.flush()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.leave()

    def leave(self) -> None:
        for stream in list(self.streams.values()):
            stream.leave()

    def resume_writing(self) -> None:
        super().resume_writing()
        for stream in list(self.streams.values()):
            stream.resume()

    # Reading

    def _read(self, data: bytes) -> bytes:
        """Take all complete frames; returns what is left."""
        at, size = 0, len(data)
        if self._preface_missing:
            if not frames.PREFACE.startswith(data[: len(frames.PREFACE)]):
                raise ConnectionFault(frames.PROTOCOL_ERROR, "no preface")
            if size < len(frames.PREFACE):
                return data
            self._preface_missing = False
            at = len(frames.PREFACE)
        while size - at >= frames.HEAD_SIZE and not self.closed:
            high, low, kind, flags, stream = frames.read_head(data, at)
            length = high << 16 | low
            if length > MAX_FRAME:
                raise ConnectionFault(frames.FRAME_SIZE_ERROR, f"a frame of more than {MAX_FRAME} bytes")
            end = at + frames.HEAD_SIZE + length
            if end > size:
                break
            self._take(kind, flags, stream & 0x7FFFFFFF, data[at + frames.HEAD_SIZE : end])
            at = end
        self._heard_at = time.monotonic()
        if self._block is None and (at or not self._rest):
            self._began_at = self._heard_at
        return data[at:]

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if self._block is not None and kind != frames.CONTINUATION:
            raise ConnectionFault(frames.PROTOCOL_ERROR, "a header block that does not go on")
        if self._settings_missing:
            if kind != frames.SETTINGS or flags & frames.ACK:
                raise ConnectionFault(frames.PROTOCOL_ERROR, "no settings")
            self._settings_missing = False
        handler = self._handlers.get(kind)
        if handler is None:
            self._count_control()
            return
        try:
            handler(flags, stream, payload)
        except StreamFault as fault:
            self._count_reset()
            if stream in self.streams:
                self.streams[stream].reset(fault.code)
            else:
                self.write(frames.reset(stream, fault.code))
        except ConnectionFault:
            raise
        except Exception as error:
            if stream not in self.streams:
                raise
            log.error("<RUN51820346E>", "A request cannot be served: %r", error, exc_info=True)
            self.streams[stream].reset(frames.INTERNAL_ERROR)

    def _take_headers(self, flags: int, number: int, payload: bytes) -> None:
        if flags & frames.PADDED:
            payload = frames.without_padding(flags, payload)
        if flags & frames.WITH_PRIORITY:
            if len(payload) < 5:
                raise ConnectionFault(frames.FRAME_SIZE_ERROR, "a frame of a wrong size")
            payload = payload[5:]
        if number % 2 == 0:
            raise ConnectionFault(frames.PROTOCOL_ERROR, "headers on a stream that clients do not open")
        if flags & frames.END_HEADERS:
            self._take_block(flags, number, payload)
        else:
            self._block, self._block_size = (number, flags, [payload]), len(payload)
            self._began_at = time.monotonic()

    def _take_continuation(self, flags: int, number: int, payload: bytes) -> None:
        if self._block is None or self._block[0] != number:
            raise ConnectionFault(frames.PROTOCOL_ERROR, "a header block that did not begin")
        _, first_flags, pieces = self._block
        pieces.append(payload)
        self._block_size += len(payload)
        if len(pieces) > _MOST_CONTINUATIONS or self._block_size > self.limits.head_bytes * PATIENCE:
            raise ConnectionFault(frames.ENHANCE_YOUR_CALM, "a header block that is too long")
        if flags & frames.END_HEADERS:
            self._block = None
            self._take_block(first_flags, number, b"".join(pieces))

    def _take_block(self, flags: int, number: int, block: bytes) -> None:
        ends = bool(flags & frames.END_STREAM)
        if number <= self.last_stream:
            self._take_trailers(number, block, ends=ends)
            return
        self.last_stream = number
        try:
            head = self._reader.read(block)
        except HeadTooLargeError as error:
            self._refuse_head(number, error, ends=ends)
            return
        except StreamFault:
            self._abandon(number, ended=ends)
            raise
        if number > self._refuse_above or len(self.streams) >= self.limits.max_streams:
            self._count_reset()
            self._abandon(number, ended=ends)
            self.write(frames.reset(number, frames.REFUSED_STREAM))
            return
        stream = Stream(self, number, head)
        self.streams[number] = stream
        self.hub.running += 1
        self._begin(stream, head)
        if ends:
            stream.receive_end()

    def _refuse_head(self, number: int, error: HeadTooLargeError, *, ends: bool) -> None:
        self._count_reset()
        services = self._services
        if services.grpc is not None and (services.http is None or error.calls):
            service: GrpcService | HttpService = services.grpc
            block = services.grpc.refuse_head(str(error))
        else:
            service = services.front
            block = encode_status(431)
        service.gate.count(*BY_HTTP_STATUS[431])
        self.write_block(number, block, end=True)
        self._abandon(number, ended=ends)
        if not ends:
            self.write(frames.reset(number, frames.NO_ERROR))

    def _begin(self, stream: Stream, head: Head) -> None:
        if not head.is_call:
            stream.serve_http(self._services.front)
        elif self._services.grpc is not None:
            self._services.grpc.begin(head, stream)
        else:
            stream.refuse(self._services.refuse_call())

    def _take_trailers(self, number: int, block: bytes, *, ends: bool) -> None:
        # The table must see every block, also one that nobody waits for.
        self._reader.read_trailers(block)
        stream = self.streams.get(number)
        if stream is None:
            self._count_control()
            self._ignore(number, ends=ends)
        elif stream.remote_ended:
            raise StreamFault(frames.STREAM_CLOSED, "headers after the end")
        elif not ends:
            raise StreamFault(frames.PROTOCOL_ERROR, "headers in the middle of a body")
        else:
            stream.receive_end()

    def _take_data(self, flags: int, number: int, payload: bytes) -> None:
        size = len(payload)
        if size:
            self._unacknowledged += size
            if self._unacknowledged > self.limits.connection_window:
                raise ConnectionFault(frames.FLOW_CONTROL_ERROR, "more data than the window allows")
            if self._unacknowledged * 2 > self.limits.connection_window:
                self.write(frames.window_update(0, self._unacknowledged))
                self._unacknowledged = 0
        elif not flags & frames.END_STREAM:
            self._count_control()
        stream = self.streams.get(number)
        if stream is None:
            self._check_known(number)
            self._ignore(number, ends=bool(flags & frames.END_STREAM))
            return
        if flags & frames.PADDED:
            payload = frames.without_padding(flags, payload)
        stream.receive(payload, size)
        if flags & frames.END_STREAM:
            stream.receive_end()

    def _take_reset(self, flags: int, number: int, payload: bytes) -> None:
        frames.read_number(payload)
        self._check_known(number)
        self._count_reset()
        stream = self.streams.get(number)
        if stream is not None:
            stream.remote_ended = True
            stream.leave()
        else:
            self._abandoned.pop(number, None)

    def _take_settings(self, flags: int, number: int, payload: bytes) -> None:
        self._count_control()
        if number:
            raise ConnectionFault(frames.PROTOCOL_ERROR, "settings of a stream")
        if flags & frames.ACK and payload:
            raise ConnectionFault(frames.FRAME_SIZE_ERROR, "settings that make no sense")
        if flags & frames.ACK:
            return
        more = self.peer.update(frames.read_settings(payload))
        if self.peer.shrinks_table():
            self.block_start = _NO_TABLE
        # Clients count with their new windows from this on, so it comes before what those let out.
        self._answer_control(frames.frame(frames.SETTINGS, frames.ACK, 0))
        if more:
            self._widen_all(more)

    def _widen_all(self, more: int) -> None:
        try:
            for stream in list(self.streams.values()):
                stream.widen(more)
        except StreamFault as fault:
            raise ConnectionFault(fault.code, str(fault)) from None

    def _take_ping(self, flags: int, number: int, payload: bytes) -> None:
        if number:
            raise ConnectionFault(frames.PROTOCOL_ERROR, "a ping of a stream")
        if len(payload) != 8:
            raise ConnectionFault(frames.FRAME_SIZE_ERROR, "a ping of a wrong size")
        self._count_ping()
        if flags & frames.ACK:
            self._pinged_at = None
        else:
            self._answer_control(frames.frame(frames.PING, frames.ACK, 0, payload))

    def _take_window(self, flags: int, number: int, payload: bytes) -> None:
        increment = frames.read_number(payload)
        if number == 0:
            if not increment:
                raise ConnectionFault(frames.PROTOCOL_ERROR, "a window that does not grow")
            self.send_window += increment
            self._granted += increment
            if self.send_window > frames.LARGEST_WINDOW:
                raise ConnectionFault(frames.FLOW_CONTROL_ERROR, "a window of a wrong size")
            self._send_waiting()
            return
        stream = self.streams.get(number)
        if stream is None:
            self._check_known(number)
        elif not increment:
            raise StreamFault(frames.PROTOCOL_ERROR, "a window of a wrong size")
        else:
            stream.widen(increment)

    def _take_priority(self, flags: int, number: int, payload: bytes) -> None:
        self._count_control()
        if not number:
            raise ConnectionFault(frames.PROTOCOL_ERROR, "a priority of no stream")
        if len(payload) != 5:
            raise ConnectionFault(frames.FRAME_SIZE_ERROR, "a frame of a wrong size")

    def _take_push(self, flags: int, number: int, payload: bytes) -> None:
        raise ConnectionFault(frames.PROTOCOL_ERROR, "a push from a client")

    def _take_goaway(self, flags: int, number: int, payload: bytes) -> None:
        # The client opens no more streams; those that it has go on.
        self._count_control()
        if number:
            raise ConnectionFault(frames.PROTOCOL_ERROR, "a farewell of a stream")
        if len(payload) < 8:
            raise ConnectionFault(frames.FRAME_SIZE_ERROR, "a frame of a wrong size")

    # Sending

    def wait_for_window(self, stream: Stream) -> None:
        self._waiting[stream] = None

    def write_block(self, number: int, block: bytes, *, end: bool) -> None:
        """Write headers, or trailers."""
        self.write(frames.headers_frames(number, self.block_start + block, end=end))
        self.block_start = b""

    def forget(self, stream: Stream) -> None:
        """The stream has come to its end."""
        if self.streams.pop(stream.number, None) is not None:
            self.hub.running -= 1
            if not stream.remote_ended:
                self._abandon(stream.number, ended=False)
            self._waiting.pop(stream, None)
            if self._draining and not self.streams:
                self._close_drained()

    def _send_waiting(self) -> None:
        """Let each stream send a little in turn, as long as the window allows."""
        while self._waiting and self.send_window > 0:
            stream = next(iter(self._waiting))
            del self._waiting[stream]
            stream.send_waiting(most=MAX_FRAME)

    def _answer_control(self, data: bytes) -> None:
        if not self.writable and self._transport.get_write_buffer_size() > _MOST_CONTROL_BYTES:
            raise ConnectionFault(frames.ENHANCE_YOUR_CALM, "answers that nobody reads")
        self.write(data)

    # Limits

    def _check_known(self, number: int) -> None:
        """A stream that has ended may still get frames that were on their way; one that never was may not."""
        if number > self.last_stream or number % 2 == 0:
            raise ConnectionFault(frames.PROTOCOL_ERROR, "a frame for a stream that is not open")

    def _abandon(self, number: int, *, ended: bool) -> None:
        if not ended:
            self._abandoned[number] = None
            if len(self._abandoned) > _MOST_ABANDONED:
                del self._abandoned[next(iter(self._abandoned))]

    def _ignore(self, number: int, *, ends: bool) -> None:
        """Data or headers for a stream that has ended."""
        if number not in self._abandoned:
            raise StreamFault(frames.STREAM_CLOSED, "a frame after the end")
        if ends:
            del self._abandoned[number]

    def _count_reset(self) -> None:
        if not self._resets.take():
            raise ConnectionFault(frames.ENHANCE_YOUR_CALM, "too many requests were given up")

    def _count_control(self) -> None:
        if not self._controls.take():
            raise ConnectionFault(frames.ENHANCE_YOUR_CALM, "too many frames that carry nothing")

    def _count_ping(self) -> None:
        # Clients that measure the way to us send a ping with everything that they get.
        sent = self._granted - self.send_window
        if sent == self._sent_before_ping:
            self._count_control()
        self._sent_before_ping = sent

    def check(self, now: float) -> None:
        super().check(now)
        if self.closed:
            return
        for stream in list(self.streams.values()):
            stream.check(now)
        limits = self.limits
        if self._settings_missing or self._rest or self._block is not None:
            if limits.read_seconds is not None and now - self._began_at > limits.read_seconds:
                self._give_up(
                    ConnectionFault(frames.ENHANCE_YOUR_CALM, "a frame that was not complete in time")
                )
        elif self._pinged_at is not None:
            if limits.ping_seconds is not None and now - self._pinged_at > limits.ping_seconds:
                self.abort()
        elif limits.idle_seconds is not None and now - self._heard_at > limits.idle_seconds:
            self._pinged_at = now
            self.write(frames.frame(frames.PING, 0, 0, b"are you?"))
        self._age.check(self, now)

    def _give_up(self, fault: ConnectionFault) -> None:
        """Say why and end the connection."""
        if self.closed:
            return
        self.write(frames.goaway(self.last_stream, fault.code, fault.reason))
        self.close()
        for stream in list(self.streams.values()):
            stream.leave()
        self.closed = True

    # What the server asks for

    def drain(self) -> None:
        if self._draining or self.closed:
            return
        self._draining = True
        self.write(frames.goaway(frames.LARGEST_STREAM, frames.NO_ERROR))
        self.hub.loop.call_later(GOODBYE_SECONDS, self._refuse_from_now)

    def _refuse_from_now(self) -> None:
        if not self.closed:
            self._refuse_above = self.last_stream
            self.write(frames.goaway(self.last_stream, frames.NO_ERROR))
            if not self.streams:
                self._close_drained()

    def _close_drained(self) -> None:
        if self._refuse_above != frames.LARGEST_STREAM:
            # What was written last belongs to the same turn of the loop.
            self.hub.loop.call_soon(self.close)

    def stop(self) -> None:
        for stream in list(self.streams.values()):
            stream.stop()
        self.close()
