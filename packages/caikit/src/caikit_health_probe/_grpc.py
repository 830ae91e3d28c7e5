"""Asks the gRPC server.

One unary call on a fresh connection is a few frames of HTTP/2. Sent by hand, a probe needs no gRPC library, whose import
would take more time and memory than all the rest.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from typing import Any

from ._places import grpc_place
from ._tls import client_context

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _GOAWAY = 0, 1, 3, 4, 7
_END_STREAM, _END_HEADERS, _PADDED = 1, 4, 8
_STREAM = 1
_LONGEST_FRAME = 16_384
# Entries of the static table of header compression.
_POST, _HTTP, _HTTPS, _AUTHORITY, _PATH, _CONTENT_TYPE = (
    b"\x83",
    b"\x86",
    b"\x87",
    b"\x01",
    b"\x04",
    b"\x0f\x10",
)
_NEW_NAME = b"\x00"
_EMPTY_MESSAGE = bytes(5)
# An uncompressed message of two bytes: field 1 (status) is 1 (SERVING).
_SERVING = b"\x00\x00\x00\x00\x02\x08\x01"


def grpc_is_ready(runtime: Any) -> bool:
    """Whether the server as a whole says SERVING; asked through its unix socket if that is there."""
    path = runtime.grpc.unix_socket_path
    if path and os.path.exists(path) and _says_serving(_unix_socket, path, runtime):
        return True
    return _says_serving(_tcp_socket, grpc_place(runtime), runtime)


def _says_serving(connect: Any, address: Any, runtime: Any) -> bool:
    try:
        with connect(address, runtime) as (connection, scheme):
            connection.sendall(_PREFACE + _frame(_SETTINGS, 0, 0, b"") + _request(scheme))
            return _answer(connection) == _SERVING
    except OSError:
        return False


class _Connection:
    """A connected socket and the scheme of what is sent on it."""

    def __init__(self, connected: socket.socket, scheme: bytes) -> None:
        self._socket = connected
        self._scheme = scheme

    def __enter__(self) -> tuple[socket.socket, bytes]:
        return self._socket, self._scheme

    def __exit__(self, *exc_info: object) -> None:
        self._socket.close()


def _unix_socket(path: str, runtime: Any) -> _Connection:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_timeout(runtime))
    try:
        connection.connect(path)
    except BaseException:
        connection.close()
        raise
    return _Connection(connection, _HTTP)


def _tcp_socket(address: tuple[str, int], runtime: Any) -> _Connection:
    connection = socket.create_connection(address, timeout=_timeout(runtime))
    context = client_context(runtime.tls)
    if context is None:
        return _Connection(connection, _HTTP)
    context.set_alpn_protocols(["h2"])
    try:
        return _Connection(context.wrap_socket(connection, server_hostname=address[0]), _HTTPS)
    except BaseException:
        connection.close()
        raise


def _timeout(runtime: Any) -> float | None:
    timeout = runtime.grpc.probe_timeout
    return float(timeout) if timeout else None


def _request(scheme: bytes) -> bytes:
    headers = (
        _POST
        + scheme
        + _PATH
        + _text(b"/grpc.health.v1.Health/Check")
        + _AUTHORITY
        + _text(b"localhost")
        + _CONTENT_TYPE
        + _text(b"application/grpc")
        + _NEW_NAME
        + _text(b"te")
        + _text(b"trailers")
    )
    return _frame(_HEADERS, _END_HEADERS, _STREAM, headers) + _frame(
        _DATA, _END_STREAM, _STREAM, _EMPTY_MESSAGE
    )


def _answer(connection: socket.socket) -> bytes:
    """The message of the answer; empty if there is none."""
    received = b""
    for kind, flags, stream, payload in _frames(connection):
        if kind == _GOAWAY:
            break
        if stream != _STREAM:
            continue
        if kind == _DATA:
            received += payload[1 : len(payload) - payload[0]] if flags & _PADDED else payload
        if len(received) >= len(_SERVING) or kind == _RST_STREAM or flags & _END_STREAM:
            break
    return received


def _frames(connection: socket.socket) -> Iterator[tuple[int, int, int, bytes]]:
    with connection.makefile("rb") as reader:
        while len(head := reader.read(9)) == 9:
            high, low, kind, flags, stream = struct.unpack(">BHBBL", head)
            length = (high << 16) + low
            if length > _LONGEST_FRAME:
                return
            yield kind, flags, stream, reader.read(length)


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">BHBBL", 0, len(payload), kind, flags, stream) + payload


def _text(value: bytes) -> bytes:
    """A text in a header block, shorter than 127 bytes."""
    return bytes([len(value)]) + value
