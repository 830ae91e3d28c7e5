"""Connections that one thread may write to while another reads."""

from __future__ import annotations

import contextlib
import io
import socket
import ssl
import threading
from collections import deque
from typing import Any

from ._deadline import Deadline

_PIECE = 1 << 16
_LAST_PATIENCE = 0.1


class Wire:
    """A socket, encrypted if there is a context; whatever waits for it waits until the deadline.

    Failures are `OSError`s, `TimeoutError` among them.
    """

    def __init__(
        self, connected: socket.socket, deadline: Deadline, tls: ssl.SSLContext | None, hostname: str
    ) -> None:
        self._socket = connected
        self._socket.setblocking(False)
        self._deadline = deadline
        self._seal = None if tls is None else _Seal(tls, hostname)
        # Held while bytes are on their way, so that they stay in order.
        self._writing = threading.Lock()
        self._unsent = bytearray()
        self._offered: deque[bytes] = deque()
        if self._seal is not None:
            self._shake_hands(self._seal)

    def sendall(self, data: bytes) -> None:
        with self._writing:
            self._take(data)
            while self._unsent:
                self._write()
                if self._unsent:
                    self._wait(for_write=True)
        if self._offered:
            self.offer(b"")

    def offer(self, data: bytes, patience: float = 0.0) -> None:
        """Send as much as the socket takes at once, the rest with what is sent next.

        Where another thread is sending, it is waited for with some patience, in seconds.
        """
        if data:
            self._offered.append(data)
        if self._writing.acquire(timeout=patience):
            try:
                self._take(b"")
                self._write()
            finally:
                self._writing.release()

    def recv(self, size: int = _PIECE) -> bytes:
        """What has arrived, or nothing at the end of the connection."""
        while True:
            if self._seal is not None:
                content = self._seal.unseal(size)
                if content is not None:
                    return content
            if self._seal is not None or self._offered or self._unsent:
                # An answer may be there although nothing can be sent any more.
                with contextlib.suppress(OSError):
                    self.offer(b"")
            received = self._receive(size)
            if self._seal is None:
                return received
            self._seal.add(received)

    def makefile(self, _: str) -> io.BufferedReader:
        """For those who read from something like a socket."""
        return io.BufferedReader(_Readable(self), _PIECE)

    def abort(self) -> None:
        """End the connection, and with it whatever waits for it."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._offered:
            with contextlib.suppress(OSError):
                self.offer(b"", _LAST_PATIENCE)
        self.abort()
        self._socket.close()

    def _take(self, data: bytes) -> None:
        parts = [*self._drain_offered(), data]
        plain = b"".join(parts)
        self._unsent += plain if self._seal is None else self._seal.seal(plain)

    def _drain_offered(self) -> list[bytes]:
        return [self._offered.popleft() for _ in range(len(self._offered))]

    def _write(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent)]

    def _receive(self, size: int) -> bytes:
        while True:
            try:
                received = self._socket.recv(_PIECE if self._seal is not None else size)
            except BlockingIOError:
                self._wait(for_write=False)
                continue
            self._check_time()
            return received

    def _wait(self, *, for_write: bool) -> None:
        from urllib3.util import wait_for_read, wait_for_write

        wait = wait_for_write if for_write else wait_for_read
        try:
            ready = wait(self._socket, self._deadline.remaining())
        except ValueError as problem:
            raise OSError("The connection is closed") from problem
        if not ready:
            raise TimeoutError("timed out")
        self._check_time()

    def _check_time(self) -> None:
        if self._deadline.passed:
            raise TimeoutError("timed out")

    def _shake_hands(self, seal: _Seal) -> None:
        while not seal.shake_hands():
            self.sendall(b"")
            received = self._receive(_PIECE)
            seal.add(received)
        self.sendall(b"")


class _Seal:
    """Encryption in memory: its state must not be changed by two threads at once, and waits for nobody."""

    def __init__(self, context: ssl.SSLContext, hostname: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=hostname)
        self._lock = threading.Lock()

    def shake_hands(self) -> bool:
        """Whether it is done; else there is something to send, or to receive."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def seal(self, plain: bytes) -> bytes:
        with self._lock:
            if plain:
                self._tls.write(plain)
            return self._outgoing.read()

    def add(self, received: bytes) -> None:
        with self._lock:
            if received:
                self._incoming.write(received)
            else:
                self._incoming.write_eof()

    def unseal(self, size: int) -> bytes | None:
        """Nothing at the end of the connection, None where more must be received first."""
        with self._lock:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                return None
            except ssl.SSLZeroReturnError:
                return b""


class _Readable(io.RawIOBase):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        received = self._wire.recv(len(buffer))
        buffer[: len(received)] = received
        return len(received)
