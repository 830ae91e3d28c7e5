"""Clients with bare sockets, who can leave as no library lets them."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator

from .server import Server


def connect(address: tuple[str, int], *, timeout: float = 20, buffer: int | None = None) -> socket.socket:
    """`buffer` is the number of bytes that the system may keep for a client that does not read."""
    client = socket.socket()
    client.settimeout(timeout)
    if buffer is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    try:
        client.connect(address)
    except BaseException:
        client.close()
        raise
    return client


def reset(client: socket.socket) -> None:
    """Leave without a farewell, as a client whose process was killed."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def http_request(path: str, content: object, *, close: bool = False) -> bytes:
    body = json.dumps(content).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + (b"connection: close\r\n\r\n" if close else b"\r\n") + body


def lines_request(path: str) -> bytes:
    """The head of a request whose body comes in chunks, one line each."""
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\n"
    return head.encode() + b"transfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def read_all(client: socket.socket) -> bytes:
    """All bytes until the server ends the connection."""
    received = bytearray()
    while data := client.recv(65536):
        received += data
    return bytes(received)


DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    0,
    1,
    2,
    3,
    4,
    6,
    7,
    8,
    9,
)
END_STREAM, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One frame of HTTP/2."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def grpc_headers(path: str, model_id: str) -> bytes:
    """The block of headers of a call."""
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "x",
        "te": "trailers",
        "content-type": "application/grpc",
        "mm-model-id": model_id,
    }
    return b"".join(_literal(name, value) for name, value in headers.items())


def grpc_message(message: bytes) -> bytes:
    return b"\x00" + len(message).to_bytes(4, "big") + message


class GrpcSocket:
    """One gRPC call over a connection of its own, frame by frame."""

    def __init__(self, server: Server, path: str, model_id: str, message: bytes) -> None:
        self.socket = connect(("127.0.0.1", server.ports["grpc"]))
        self.socket.sendall(
            PREFACE
            + frame(SETTINGS, 0, 0, b"")
            + frame(HEADERS, END_HEADERS, 1, grpc_headers(path, model_id))
            + frame(DATA, END_STREAM, 1, grpc_message(message))
        )
        self._received = b""

    def read_until_item(self) -> bool:
        """True when a piece of an answer has come, False when the call has ended without one."""
        for kind, flags, stream in self._frames():
            if kind == DATA:
                return True
            if stream == 1 and flags & END_STREAM:
                return False
        return False

    def cancel(self) -> None:
        self.socket.sendall(frame(RST_STREAM, 0, 1, (8).to_bytes(4, "big")))

    def _frames(self) -> Iterator[tuple[int, int, int]]:
        while (head := self._take(9)) is not None:
            self._take(int.from_bytes(head[:3], "big"))
            yield head[3], head[4], int.from_bytes(head[5:], "big")

    def _take(self, count: int) -> bytes | None:
        while len(self._received) < count:
            data = self.socket.recv(65536)
            if not data:
                return None
            self._received += data
        taken, self._received = self._received[:count], self._received[count:]
        return taken


def _literal(name: str, value: str) -> bytes:
    """A header without compression; both parts are shorter than 127 bytes."""
    return b"\x00" + b"".join(bytes([len(part)]) + part.encode() for part in (name, value))
