"""A client whose connections follow the addresses of a host name."""

from __future__ import annotations

import ipaddress
import socket
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import alog
import grpc

__all__ = ["GRPCLoadBalancerProxy", "addresses_of"]

log = alog.use_channel("TGLB")

_STOP_SECONDS = 1.0


def addresses_of(host: str) -> frozenset[str]:
    """The addresses of a host name."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return frozenset(str(address[0]) for *_, address in found)


class GRPCLoadBalancerProxy:
    """Has the methods of a stub.

    gRPC looks a name up when it connects, and not again while the connection holds. So the name is looked up here from
    time to time; when it has a new address, calls that begin from then on use a new channel.
    """

    def __init__(
        self,
        client_class: Callable[[grpc.Channel], Any],
        target: str,
        credentials: grpc.ChannelCredentials | None = None,
        *,
        policy_name: str = "round_robin",
        poll_interval_s: float | None = 10.0,
        channel_options: Sequence[tuple[str, Any]] = (),
        resolve: Callable[[str], frozenset[str]] = addresses_of,
    ) -> None:
        self._client_class = client_class
        self._target = target
        self._credentials = credentials
        self._options = [("grpc.lb_policy_name", policy_name), *channel_options]
        self._resolve = resolve
        self._host = target.rpartition(":")[0]
        self._known: frozenset[str] = frozenset()
        self._channel, self._client = self._connect()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        if poll_interval_s and poll_interval_s > 0 and not _is_address(self._host):
            # The thread must not keep the proxy alive.
            weakref.finalize(self, self._stop.set)
            self._thread = threading.Thread(
                target=_poll,
                args=(weakref.ref(self), self._stop, poll_interval_s),
                name=f"addresses of {self._host}",
                daemon=True,
            )
            self._thread.start()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._client, name)

    def look_up(self) -> None:
        """Use a new channel if the host has addresses that it did not have; a name that is not found is ignored."""
        try:
            found = self._resolve(self._host)
        except OSError as problem:
            log.debug("<TGB98255310D>", "Cannot look up %s: %s", self._host, problem)
            return
        is_first, has_new = not self._known, bool(found - self._known)
        self._known = found
        if has_new and not is_first:
            log.debug("<TGB98255311D>", "%s has new addresses: %s", self._host, sorted(found))
            # Calls that run keep the old channel until they end.
            self._channel, self._client = self._connect()

    def close(self) -> None:
        """End the connections, and calls that run."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_STOP_SECONDS)
        self._channel.close()

    def _connect(self) -> tuple[grpc.Channel, Any]:
        if self._credentials is None:
            channel = grpc.insecure_channel(self._target, options=self._options)
        else:
            channel = grpc.secure_channel(self._target, self._credentials, options=self._options)
        return channel, self._client_class(channel)


def _poll(
    proxy_reference: weakref.ref[GRPCLoadBalancerProxy], stop: threading.Event, interval: float
) -> None:
    while True:
        proxy = proxy_reference()
        if proxy is None:
            return
        proxy.look_up()
        del proxy
        if stop.wait(interval):
            return


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
