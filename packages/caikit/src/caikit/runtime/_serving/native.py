"""The native listener in the place of `grpcio` and uvicorn."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import alog

from caikit.runtime.transport.native import (
    DEFAULT_LONGEST_MESSAGE,
    ChangingContext,
    GrpcService,
    Limits,
    NativeServer,
    make_context,
)
from caikit.runtime.transport.unix_listener import UnixListener

from .tls import TlsMaterial, TlsSource, check_material, written

log = alog.use_channel("SERVR-NATIVE")

UNIX = "unix://"
_MESSAGE_LENGTH = "grpc.max_receive_message_length"
_ANSWER_LENGTH = "grpc.max_send_message_length"
_COMPRESSION = "grpc.default_compression_algorithm"
_REUSE_PORT = "grpc.so_reuseport"
_COUNTS = {
    "grpc.max_concurrent_streams": "max_streams",
    "grpc.max_metadata_size": "head_bytes",
}
_MILLISECONDS = {
    "grpc.keepalive_time_ms": "idle_seconds",
    "grpc.keepalive_timeout_ms": "ping_seconds",
    "grpc.max_connection_idle_ms": "unused_seconds",
    "grpc.max_connection_age_ms": "age_seconds",
    "grpc.max_connection_age_grace_ms": "age_grace_seconds",
}
_KNOWN_OPTIONS = frozenset(
    (_MESSAGE_LENGTH, _ANSWER_LENGTH, _COMPRESSION, _REUSE_PORT, *_COUNTS, *_MILLISECONDS)
)
# What `grpcio` calls by numbers.
_COMPRESSIONS = {0: None, 1: b"deflate", 2: b"gzip"}
# The largest number that a channel argument can be stands for no limit.
_NO_LIMIT = 2**31 - 1


class NativeGrpcTransport:
    """A gRPC server with the life cycle of the standard one."""

    def __init__(self, service: GrpcService, *, limits: Limits, share_port: bool = False) -> None:
        self.server = NativeServer(grpc=service, limits=limits, name="caikit_grpc")
        self._share_port = share_port

    def listen(self, address: str, credentials: ssl.SSLContext | None = None) -> int:
        """Bind an address; returns the port. Raises RuntimeError when it cannot be bound."""
        try:
            listener = bind(address, share_port=self._share_port)
        except OSError as error:
            raise RuntimeError(error.strerror or str(error)) from error
        self.server.add_socket(listener, credentials)
        return 0 if address.startswith(UNIX) else int(listener.getsockname()[1])

    @property
    def last_tick(self) -> float | None:
        return self.server.last_tick

    def start(self) -> None:
        self.server.start()

    def stop(self, grace_seconds: float) -> threading.Event:
        return self.server.stop(grace_seconds)

    def close(self) -> None:
        self.server.force_stop()
        self.server.join(1.0)


def longest_message(options: Mapping[str, Any]) -> int | None:
    """Bytes of a gRPC message; channel arguments say -1 for no limit."""
    given = int(options.get(_MESSAGE_LENGTH, DEFAULT_LONGEST_MESSAGE))
    return None if given < 0 else given


def longest_answer(options: Mapping[str, Any]) -> int | None:
    given = int(options.get(_ANSWER_LENGTH, -1))
    return None if given < 0 else given


def compression(options: Mapping[str, Any]) -> bytes | None:
    """What is done to answers when their clients accept it."""
    given = options.get(_COMPRESSION, 0)
    if given not in _COMPRESSIONS:
        raise ValueError(
            f"runtime.grpc.options: expected 0, 1 (deflate) or 2 (gzip) as {_COMPRESSION}, got {given!r}"
        )
    return _COMPRESSIONS[given]


def grpc_limits(options: Mapping[str, Any]) -> dict[str, Any]:
    """The limits that channel arguments set; those that only `grpcio` knows are told in the log."""
    limits: dict[str, Any] = {}
    unknown = sorted(set(options) - _KNOWN_OPTIONS)
    if unknown:
        log.warning(
            "<RUN51820341W>", "runtime.grpc.options: the native transport ignores %s", ", ".join(unknown)
        )
    for option, name in _COUNTS.items():
        if option in options:
            limits[name] = int(options[option])
    for option, name in _MILLISECONDS.items():
        if option in options:
            milliseconds = int(options[option])
            limits[name] = milliseconds / 1000 if milliseconds < _NO_LIMIT else None
    return limits


def shares_port(options: Mapping[str, Any]) -> bool:
    return bool(options.get(_REUSE_PORT))


def tls_context(tls: TlsSource, *, server: str, protocols: Sequence[str], trust_own: bool) -> ssl.SSLContext:
    """A context that follows the files. With `trust_own` a probe can use the server's own key pair."""

    def make(material: TlsMaterial) -> ssl.SSLContext:
        check_material(material)
        with written(material) as paths:
            authorities = [] if paths.client_ca is None else [paths.client_ca]
            if authorities and trust_own:
                authorities.append(paths.cert)
            return make_context(paths.cert, paths.key, authorities, protocols=protocols)

    newest = tls.watch(make, server)
    newest.get()
    return ChangingContext.of(newest.get)


def bind(address: str, *, share_port: bool) -> socket.socket:
    """A socket that listens at `host:port`, or at `unix://path`. Raises OSError when it cannot be bound."""
    if address.startswith(UNIX):
        return UnixListener(address.removeprefix(UNIX), socket.SOMAXCONN)
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if host == "::" and not socket.has_dualstack_ipv6():
        host = "0.0.0.0"  # noqa: S104 - the same, where there is no IPv6
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share_port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if host == "::":
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind((host, int(port)))
        # Without this, a port that is taken would only be noticed when the server starts.
        listener.listen()
    except BaseException:
        listener.close()
        raise
    return listener
