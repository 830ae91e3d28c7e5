"""One connection of HTTP/1.1."""

from __future__ import annotations

import re
import socket

from .plan import Call, Plan, WrongAnswerError, changing_headers

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_OK = b"HTTP/1.1 200 "
_LAST_CHUNK = b"\r\n0\r\n\r\n"


class Http1Connection:
    def __init__(self, plan: Plan, call: Call, start: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", plan.port), timeout=plan.patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.unsent: bytes | memoryview = b""
        self._call = call
        fields = [("host", f"127.0.0.1:{plan.port}"), *call.headers, ("content-length", str(len(call.body)))]
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
        self._head = f"POST {call.path} HTTP/1.1\r\n{lines}".encode()
        self._same = b"" if plan.changing else self._head + b"\r\n" + call.body
        self._number = start
        self._received = b""
        self._whole_size = -1

    def ask(self) -> None:
        self._received = b""
        self.unsent = self._same or self._with_changing_headers()
        self.send()

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
            raise WrongAnswerError(f"connection closed after {self._received[:300]!r}")
        # Answers have the same size again and again.
        if len(data) == self._whole_size and data.startswith(_OK) and data.endswith(self._call.answer):
            return True
        self._received = received = self._received + data if self._received else data
        head_end = received.find(b"\r\n\r\n") + 4
        if head_end < 4:
            return False
        if not received.startswith(_OK):
            raise WrongAnswerError(received[:500].decode(errors="replace"))
        length = _LENGTH.search(received, 0, head_end)
        if length is None:
            if not received.endswith(_LAST_CHUNK):
                return False
            body = _join_chunks(received, head_end)
        elif len(received) < head_end + int(length[1]):
            return False
        else:
            body = received[head_end:]
            self._whole_size = len(received)
        if body != self._call.answer:
            raise WrongAnswerError(f"expected {self._call.answer[:300]!r}, got {body[:300]!r}")
        return True

    def _with_changing_headers(self) -> bytes:
        self._number += 1
        lines = "".join(f"{name}: {value}\r\n" for name, value in changing_headers(self._number))
        return b"%b%b\r\n%b" % (self._head, lines.encode(), self._call.body)


def _join_chunks(received: bytes, position: int) -> bytes:
    chunks: list[bytes] = []
    while True:
        line_end = received.index(b"\r\n", position)
        size = int(received[position:line_end], 16)
        if not size:
            return b"".join(chunks)
        chunks.append(received[line_end + 2 : line_end + 2 + size])
        position = line_end + 2 + size + 2
