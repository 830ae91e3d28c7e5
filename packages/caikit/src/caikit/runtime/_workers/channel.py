"""The line between the supervisor and a worker: messages in both directions, one JSON object a line."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

Message = dict[str, Any]

_CHUNK = 1 << 16
# What is read from one worker before the next one gets its turn.
_MOST_CHUNKS = 256
# What a worker may leave unread before it is taken for dead.
_MOST_UNREAD = 1 << 26


class Channel:
    """A worker's end, a file descriptor that is open until the process ends. Sending blocks; any thread may send."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._incoming = bytearray()

    def send(self, message: Message) -> None:
        """OSError when the supervisor is gone."""
        data = memoryview(_encode(message))
        with self._lock:
            while data:
                data = data[os.write(self._descriptor, data) :]

    def receive(self) -> Message | None:
        """The next message; None when the supervisor is gone. For one thread."""
        searched = 0
        while (end := self._incoming.find(b"\n", searched)) < 0:
            searched = len(self._incoming)
            try:
                data = os.read(self._descriptor, _CHUNK)
            except OSError:
                return None
            if not data:
                return None
            self._incoming += data
        line = self._incoming[:end]
        del self._incoming[: end + 1]
        return _decode(line)


class Mailbox:
    """The supervisor's end. Nothing blocks: what a worker does not read yet waits here."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._incoming = bytearray()
        self._outgoing = bytearray()

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> Iterator[Message]:
        """What has come in. EOFError when the worker has closed its end, after its last message."""
        for _ in range(_MOST_CHUNKS):
            try:
                data = self._socket.recv(_CHUNK)
            except BlockingIOError:
                return
            except ConnectionError:
                data = b""
            if not data:
                raise EOFError
            self._incoming += data
            if b"\n" in data:
                *lines, self._incoming = self._incoming.split(b"\n")
                yield from map(_decode, lines)

    def send(self, message: Message) -> None:
        """EOFError when the worker does not read any more."""
        self._outgoing += _encode(message)
        self.flush()

    @property
    def has_unsent(self) -> bool:
        return bool(self._outgoing)

    def flush(self) -> None:
        try:
            while self._outgoing:
                sent = self._socket.send(self._outgoing[:_CHUNK])
                del self._outgoing[:sent]
        except BlockingIOError:
            if len(self._outgoing) > _MOST_UNREAD:
                raise EOFError from None
        except ConnectionError:
            raise EOFError from None

    def close(self) -> None:
        self._socket.close()


def _encode(message: Message) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def _decode(line: bytes | bytearray) -> Message:
    message: Message = json.loads(line)
    return message
