"""Ports that several processes share."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from typing import Any

from caikit.runtime._serving.ports import (
    GRPC_KEY,
    HTTP_KEY,
    grpc_host,
    grpc_port,
    http_host,
    http_port,
    uses_one_port,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server shall listen, and the setting that says so."""

    host: str
    port: int
    key: str
    find_available_port: bool = False


def places(config: Any, protocols: list[str]) -> dict[str, Place]:
    """The places of the servers that are wanted, and that of the metrics. HTTP has none if it is that of gRPC."""
    runtime = config.runtime
    anywhere = bool(runtime.get("find_available_port"))
    found = {}
    if "grpc" in protocols:
        found["grpc"] = Place(grpc_host(config), grpc_port(runtime), GRPC_KEY, anywhere)
    if "http" in protocols and not ("grpc" in protocols and uses_one_port(config)):
        found["http"] = Place(http_host(config), http_port(runtime), HTTP_KEY, anywhere)
    metrics = runtime.metrics or {}
    if metrics.get("enabled"):
        host = str(metrics.get("host") or "0.0.0.0")  # noqa: S104 - scraped from elsewhere
        found["metrics"] = Place(host, int(metrics.get("port") or 0), "runtime.metrics.port")
    return found


def reserve(place: Place) -> socket.socket:
    """A bound socket that does not listen: it keeps the port for those who listen there later.

    OSError when somebody else has the port, even one who would share it.
    """
    try:
        return _reserve(place.host, place.port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE or not place.find_available_port:
            raise OSError(
                error.errno, f"Cannot listen on port {place.port} ({place.key}): {error.strerror}"
            ) from error
        return _reserve(place.host, 0)


def shared_socket(host: str, port: int) -> socket.socket:
    """A socket that is bound to a port of which others have a part, too."""
    host = host.strip("[]")
    shared = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if host == "::":
            shared.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        shared.bind((host, port))
    except BaseException:
        shared.close()
        raise
    return shared


def _reserve(host: str, port: int) -> socket.socket:
    if port:
        # One who does not share finds out whether anybody is there, sharing or not.
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as lonely:
            lonely.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            lonely.bind((host.strip("[]"), port))
            lonely.listen(1)
    reserved = shared_socket(host, port)
    # From now on only those who share the port may bind it.
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return reserved
