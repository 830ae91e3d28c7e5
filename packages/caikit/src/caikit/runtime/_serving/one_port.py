"""One native listener on one port, for both servers of a process."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from typing import Any

from caikit.runtime.transport.native import (
    GrpcService,
    HttpService,
    Limits,
    NativePart,
    NativeServer,
    Protocol,
)

from .core import ServingCore
from .native import UNIX, bind
from .tls import TlsSource

_JOINING = threading.Lock()


class SharedPort:
    """What one of the servers opens, and the other one joins."""

    def __init__(self, tls: TlsSource | None, *, both: bool) -> None:
        self.server: NativeServer | None = None
        self._tls = tls
        self._both = both
        self._limits: dict[str, Any] = {}
        self._port: int | None = None
        self._lock = threading.Lock()
        self.protocols: set[Protocol] = set()

    @property
    def is_open(self) -> bool:
        return self._port is not None

    def takes(self, protocol: Protocol) -> bool:
        return protocol not in self.protocols and not (self.server is not None and self.server.is_stopping)

    def check(self, tls: TlsSource | None) -> None:
        ours, theirs = (None if each is None else each.read() for each in (self._tls, tls))
        if ours != theirs:
            raise ValueError(
                "gRPC and HTTP are served on one port, but were given different keys and certificates"
            )

    def join_grpc(self, service: GrpcService, limits: Mapping[str, Any]) -> NativePart:
        with self._lock:
            self._limits.update(limits)
            if self.server is None:
                self.server = self._make(grpc=service)
            else:
                self.server.join_in(grpc=service, limits=Limits(**self._limits))
            return NativePart(self.server, "grpc")

    def join_http(self, service: HttpService, limits: Mapping[str, Any]) -> NativePart:
        with self._lock:
            self._limits.update(limits)
            if self.server is None:
                self.server = self._make(http=service)
            else:
                self.server.join_in(http=service, limits=Limits(**self._limits))
            return NativePart(self.server, "http")

    def listen(self, address: str, credentials: ssl.SSLContext | None, *, share_port: bool) -> int:
        """Bind an address, unless one is; returns the port. Raises OSError when it cannot be bound."""
        with self._lock:
            if self._port is None and self.server is not None:
                listener = bind(address, share_port=share_port)
                self.server.add_socket(listener, credentials)
                self._port = int(listener.getsockname()[1])
            return self._port or 0

    def _make(self, *, http: HttpService | None = None, grpc: GrpcService | None = None) -> NativeServer:
        limits = Limits(**self._limits)
        return NativeServer(http=http, grpc=grpc, limits=limits, awaits_other=self._both)


def find_port(core: ServingCore, protocol: Protocol, tls: TlsSource | None) -> SharedPort:
    """The port that the other server has opened, or a new one. Raises ValueError if the two do not fit together."""
    with _JOINING:
        core.shared_ports[:] = [
            port for port in core.shared_ports if port.server is None or not port.server.is_stopping
        ]
        found = next((port for port in core.shared_ports if port.takes(protocol)), None)
        if found is None:
            runtime = core.config.runtime
            found = SharedPort(tls, both=bool(runtime.grpc.enabled and runtime.http.enabled))
            core.shared_ports.append(found)
        found.check(tls)
        found.protocols.add(protocol)
        return found


class OnePortGrpc:
    """The gRPC server on such a port, with the life cycle of one that has its own."""

    def __init__(
        self, shared: SharedPort, service: GrpcService, limits: Mapping[str, Any], *, share_port: bool
    ) -> None:
        self._shared = shared
        self._part = shared.join_grpc(service, limits)
        self._share_port = share_port

    @property
    def server(self) -> NativeServer:
        return self._part.server

    @property
    def last_tick(self) -> float | None:
        return self._part.last_tick

    def listen(self, address: str, credentials: ssl.SSLContext | None = None) -> int:
        """Bind an address; returns the port. Raises RuntimeError when it cannot be bound."""
        try:
            if not address.startswith(UNIX):
                return self._shared.listen(address, credentials, share_port=self._share_port)
            self.server.add_socket(bind(address, share_port=False), credentials)
        except OSError as error:
            raise RuntimeError(error.strerror or str(error)) from error
        return 0

    def start(self) -> None:
        self._part.start()

    def stop(self, grace_seconds: float) -> threading.Event:
        return self._part.stop(grace_seconds)

    def close(self) -> None:
        self._part.force_stop()
        self._part.join(1.0)
