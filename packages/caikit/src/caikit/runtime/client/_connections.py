"""Channels and sessions that are shared by all who talk to the same server in the same way."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caikit.interfaces.common.data_model import ConnectionInfo

GRPC = "grpc"
HTTP = "http"

_lock = threading.RLock()
_shared: weakref.WeakValueDictionary[Hashable, Connection] = weakref.WeakValueDictionary()


class Connection:
    """A channel or session, closed when nobody refers to this object any more.

    Whoever uses the resource keeps the connection: a model for as long as it lives, a stream until it ends.
    """

    __slots__ = ("__weakref__", "calls", "made", "resource")

    def __init__(self, resource: Any, *, owned: bool = True) -> None:
        self.resource = resource
        self.made = time.monotonic()
        self.calls: dict[str, Any] = {}
        if owned:
            weakref.finalize(self, resource.close)


def shared_connection(key: Hashable, make: Callable[[], Any], max_age: float) -> Connection:
    """The connection of this key, or a new one if there is none that is young enough.

    A negative `max_age` (in seconds) is no limit, 0 stands for a connection that is not shared.
    """
    if max_age == 0:
        return Connection(make())
    with _lock:
        found = _shared.get(key)
        if found is None or is_old(found, max_age):
            found = _shared[key] = Connection(make())
        return found


def is_old(connection: Connection, max_age: float) -> bool:
    return max_age >= 0 and time.monotonic() - connection.made >= max_age


def connection_key(protocol: str, target: str, info: ConnectionInfo) -> Hashable:
    """Equal for settings that lead to the same connection."""
    tls = info.tls
    files = (
        () if tls is None else (tls.enabled, tls.insecure_verify, tls.ca_file, tls.cert_file, tls.key_file)
    )
    options = tuple(sorted((info.options or {}).items()))
    retry_options = tuple(sorted((info.retry_options or {}).items()))
    return protocol, target, files, options, info.retries, retry_options, info.max_session_age


def target_of(protocol: str, info: ConnectionInfo) -> str:
    """`host:port`, for HTTP with the scheme in front."""
    host = f"[{info.hostname}]" if info.hostname.count(":") > 1 else info.hostname
    if protocol == GRPC:
        return f"{host}:{info.port}"
    return f"{'https' if is_encrypted(info) else 'http'}://{host}:{info.port}"


def is_encrypted(info: ConnectionInfo) -> bool:
    return info.tls is not None and bool(info.tls.enabled)
