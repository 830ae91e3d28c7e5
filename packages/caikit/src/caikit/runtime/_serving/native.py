"""The native listener in the place of `grpcio` and uvicorn."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
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

from .tls import TlsMaterial, TlsSource, check_material, written

log = alog.use_channel("SERVR-NATIVE")

_UNIX = "unix://"
_MESSAGE_LENGTH = "grpc.max_receive_message_length"
_STREAMS = "grpc.max_concurrent_streams"
_METADATA = "grpc.max_metadata_size"
_REUSE_PORT = "grpc.so_reuseport"
_KNOWN_OPTIONS = frozenset((_MESSAGE_LENGTH, _STREAMS, _METADATA, _REUSE_PORT))


class NativeGrpcTransport:
    """A gRPC server with the life cycle of the standard one."""

    def __init__(self, service: GrpcService, *, limits: Limits, share_port: bool = False) -> None:
        self.server = NativeServer(grpc=service, limits=limits, name="caikit_grpc")
        self._share_port = share_port

    def listen(self, address: str, credentials: ssl.SSLContext | None = None) -> int:
        """Bind an address; returns the port. Raises RuntimeError when it cannot be bound."""
        try:
            listener = _bind(address, share_port=self._share_port)
        except OSError as error:
            raise RuntimeError(str(error)) from error
        self.server.add_socket(listener, credentials)
        return 0 if address.startswith(_UNIX) else int(listener.getsockname()[1])

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


def grpc_limits(options: Mapping[str, Any], **limits: Any) -> Limits:
    """The limits that channel arguments set; those that only `grpcio` knows are told in the log."""
    unknown = sorted(set(options) - _KNOWN_OPTIONS)
    if unknown:
        log.warning(
            "<RUN51820341W>", "runtime.grpc.options: the native transport ignores %s", ", ".join(unknown)
        )
    if _STREAMS in options:
        limits["max_streams"] = int(options[_STREAMS])
    if _METADATA in options:
        limits["head_bytes"] = int(options[_METADATA])
    return Limits(**limits)


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


def _bind(address: str, *, share_port: bool) -> socket.socket:
    if address.startswith(_UNIX):
        return _bind_unix(address.removeprefix(_UNIX))
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
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


def _bind_unix(path: str) -> socket.socket:
    place = Path(path)
    if place.is_socket():
        # What an earlier server has left behind.
        place.unlink()
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(path)
        listener.listen()
    except BaseException:
        listener.close()
        raise
    return listener
