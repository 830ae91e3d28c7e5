"""Where the two servers listen, and when that is the same port."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from caikit.runtime._numbers import whole

from .transport_choice import uses_native

GRPC_KEY = "runtime.grpc.port"
HTTP_KEY = "runtime.http.port"
_GRPC_ANYWHERE = "[::]"
_HTTP_ANYWHERE = "0.0.0.0"  # noqa: S104 - a server is there to be reached


def grpc_port(runtime: Any) -> int:
    """The older `runtime.port` takes the place of `runtime.grpc.port`."""
    older = runtime.get("port")
    return whole(GRPC_KEY, runtime.grpc.port) if older is None else whole("runtime.port", older)


def http_port(runtime: Any) -> int:
    """Without a port of its own, HTTP has that of gRPC."""
    given = runtime.http.port
    return grpc_port(runtime) if given is None else whole(HTTP_KEY, given)


def grpc_host(config: Any) -> str:
    runtime = config.runtime
    other = runtime.http.get("host") if uses_one_port(config) else None
    return str(runtime.grpc.get("host") or other or _GRPC_ANYWHERE)


def http_host(config: Any) -> str:
    return (
        grpc_host(config) if uses_one_port(config) else str(config.runtime.http.get("host") or _HTTP_ANYWHERE)
    )


def wants_one_port(runtime: Any) -> bool:
    """Both servers have the same port, at the same address. 0 stands for any, which is another one for each."""
    hosts = {str(host) for host in (runtime.grpc.get("host"), runtime.http.get("host")) if host}
    if runtime.http.port is None:
        return True
    port = grpc_port(runtime)
    return port != 0 and port == http_port(runtime) and len(hosts) < 2


def uses_one_port(config: Any) -> bool:
    return uses_native(config) and wants_one_port(config.runtime)


def check_ports(config: Any, protocols: Collection[str]) -> None:
    """Raises ValueError if these protocols cannot be served where the configuration says."""
    runtime = config.runtime
    if {"grpc", "http"}.difference(protocols) or not wants_one_port(runtime):
        return
    given = runtime.http.port is not None
    hosts = {str(host) for host in (runtime.grpc.get("host"), runtime.http.get("host")) if host}
    if len(hosts) > 1:
        raise ValueError(
            f"runtime.grpc.host and runtime.http.host differ, but {HTTP_KEY} is null, which is the port of gRPC"
        )
    if not uses_native(config) and not (given and runtime.get("find_available_port")):
        first = GRPC_KEY if runtime.get("port") is None else "runtime.port"
        same = f"{first} and {HTTP_KEY} are both {grpc_port(runtime)}" if given else f"{HTTP_KEY} is null"
        raise ValueError(
            f"{same}: one port for gRPC and HTTP needs runtime.transport: native; else give them two ports"
        )
