"""Where the servers are found, which may be at the same place."""

from __future__ import annotations

from typing import Any

_EVERYWHERE = ("", "0.0.0.0", "::", "[::]")  # noqa: S104 - compared with, not bound


def grpc_place(runtime: Any) -> tuple[str, int]:
    """Host and port."""
    older, own = runtime.get("port"), runtime.grpc.get("host")
    port = int(runtime.grpc.port if older is None else older)
    if not own and runtime.http.port in (None, port):
        own = runtime.http.get("host")
    return _reachable(own), port


def http_place(runtime: Any) -> tuple[str, int]:
    """Without a port of its own, HTTP has that of gRPC."""
    there = grpc_place(runtime)
    if runtime.http.port is None:
        return there
    own, port = runtime.http.get("host"), int(runtime.http.port)
    return (_reachable(own), port) if own or port != there[1] else there


def _reachable(host: str | None) -> str:
    """Where a server can be found that listens on this address."""
    return "localhost" if (host or "") in _EVERYWHERE else str(host).strip("[]")
