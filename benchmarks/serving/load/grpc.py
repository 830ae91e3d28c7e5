"""One connection of gRPC, on the frames of HTTP/2, with one call at a time."""

from __future__ import annotations

import socket

from .grpc_headers import AnswerHeaders, RequestHeaders
from .plan import Call, Plan, WrongAnswerError

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_INITIAL_WINDOW = 4
_LARGEST_WINDOW = 2**31 - 1
_LARGEST_FRAME = 16384


class GrpcConnection:
    def __init__(self, plan: Plan, call: Call, start: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", plan.port), timeout=plan.patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self._call = call
        self._request_headers = RequestHeaders(plan, call, start)
        self._answer_headers = AnswerHeaders()
        self._stream = -1
        self._body = memoryview(b"")
        self._answer: list[bytes] = []
        self._received = b""
        self._stream_window_at_start = self._stream_window = self._connection_window = 65535
        window = _INITIAL_WINDOW.to_bytes(2, "big") + _LARGEST_WINDOW.to_bytes(4, "big")
        more = (_LARGEST_WINDOW - 65535).to_bytes(4, "big")
        opening = _PREFACE + _frame(_SETTINGS, 0, 0, window) + _frame(_WINDOW_UPDATE, 0, 0, more)
        self.unsent: bytes | memoryview = opening

    def ask(self) -> None:
        self._stream += 2
        self._stream_window = self._stream_window_at_start
        self._body = memoryview(self._call.body)
        self._answer = []
        headers = _frame(_HEADERS, _END_HEADERS, self._stream, self._request_headers.encode())
        self._enqueue(headers + self._sendable_body())

    def send(self) -> None:
        try:
            sent = self.socket.send(self.unsent)
        except BlockingIOError:
            return
        self.unsent = b"" if sent == len(self.unsent) else memoryview(self.unsent)[sent:]

    def receive(self) -> bool:
        """Whether the answer is complete; it is the right one then."""
        data = self.socket.recv(65536)
        if not data:
            raise WrongAnswerError("connection closed")
        received = self._received + data if self._received else data
        position, complete = 0, False
        while len(received) - position >= 9:
            end = position + 9 + int.from_bytes(received[position : position + 3], "big")
            if len(received) < end:
                break
            kind, flags = received[position + 3], received[position + 4]
            payload = received[position + 9 : end]
            if kind == _DATA:
                self._answer.append(payload)
            elif kind == _HEADERS:
                complete |= self._take_headers(flags, payload)
            else:
                self._take_control(
                    kind, flags, int.from_bytes(received[position + 5 : position + 9], "big"), payload
                )
            position = end
        self._received = received[position:]
        return complete

    def _take_headers(self, flags: int, payload: bytes) -> bool:
        headers = self._answer_headers.decode(payload)
        if not flags & _END_STREAM:
            return False
        answer = b"".join(self._answer)
        if headers.get("grpc-status") != "0":
            raise WrongAnswerError(f"{headers}")
        if answer != self._call.answer:
            raise WrongAnswerError(f"expected {self._call.answer[:300]!r}, got {answer[:300]!r}")
        return True

    def _take_control(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == _WINDOW_UPDATE:
            if stream == 0:
                self._connection_window += int.from_bytes(payload, "big")
            elif stream == self._stream:
                self._stream_window += int.from_bytes(payload, "big")
            self._enqueue(self._sendable_body())
        elif kind == _SETTINGS and not flags & _ACK:
            self._apply_settings(payload)
            self._enqueue(_frame(_SETTINGS, _ACK, 0, b"") + self._sendable_body())
        elif kind == _PING and not flags & _ACK:
            self._enqueue(_frame(_PING, _ACK, 0, payload))
        elif kind in (_RESET, _GOAWAY):
            raise WrongAnswerError(f"{'call' if kind == _RESET else 'connection'} ended: {payload!r}")

    def _apply_settings(self, payload: bytes) -> None:
        for position in range(0, len(payload), 6):
            if int.from_bytes(payload[position : position + 2], "big") == _INITIAL_WINDOW:
                window = int.from_bytes(payload[position + 2 : position + 6], "big")
                self._stream_window += window - self._stream_window_at_start
                self._stream_window_at_start = window

    def _sendable_body(self) -> bytes:
        frames = []
        while self._body:
            size = min(len(self._body), self._stream_window, self._connection_window, _LARGEST_FRAME)
            if size <= 0:
                break
            flags = _END_STREAM if size == len(self._body) else 0
            frames.append(_frame(_DATA, flags, self._stream, bytes(self._body[:size])))
            self._body = self._body[size:]
            self._stream_window -= size
            self._connection_window -= size
        return b"".join(frames)

    def _enqueue(self, data: bytes) -> None:
        if data:
            self.unsent = bytes(self.unsent) + data if self.unsent else data
            self.send()


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return b"%b%c%c%b%b" % (len(payload).to_bytes(3, "big"), kind, flags, stream.to_bytes(4, "big"), payload)
