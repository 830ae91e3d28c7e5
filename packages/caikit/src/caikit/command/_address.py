"""Which server a command asks."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ._errors import UsageError

GRPC, HTTP = "grpc", "http"
SERVER_VARIABLE = "CAIKIT_SERVER"
TOKEN_FILE_VARIABLE = "CAIKIT_TOKEN_FILE"  # noqa: S105 - the name of a variable, no secret

_SCHEMES = {"grpc": (GRPC, False), "grpcs": (GRPC, True), "http": (HTTP, False), "https": (HTTP, True)}


@dataclass(frozen=True)
class Address:
    """A server, and the way to talk to it."""

    protocol: str
    host: str
    port: int
    encrypted: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.protocol == GRPC:
            return f"{host}:{self.port}"
        return f"{'https' if self.encrypted else 'http'}://{host}:{self.port}"


def read_address(options: argparse.Namespace) -> Address:
    """The address that the options, the environment or the configuration name."""
    text = getattr(options, "server", None) or os.environ.get(SERVER_VARIABLE) or "localhost"
    scheme, mark, rest = text.partition("://")
    if not mark:
        scheme, rest = HTTP if getattr(options, "http", False) else GRPC, text
    if scheme not in _SCHEMES:
        raise UsageError(f"expected grpc, grpcs, http or https in front of ://, got {text!r}")
    protocol, encrypted = _SCHEMES[scheme]
    if getattr(options, "http", False) and protocol != HTTP:
        raise UsageError(f"--http does not go with {text!r}")
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname or "localhost", parts.port
    except ValueError as problem:
        raise UsageError(f"expected host:port as the server, got {text!r} ({problem})") from None
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None:
        raise UsageError(f"expected host:port as the server, got {text!r}")
    encrypted = encrypted or any(getattr(options, name, None) for name in ("tls", "ca", "cert", "insecure"))
    return Address(protocol, host, port or _configured_port(protocol), encrypted)


def read_headers(options: argparse.Namespace) -> dict[str, str]:
    """The headers that are to be sent with every call."""
    headers: dict[str, str] = {}
    for text in getattr(options, "header", None) or ():
        name, mark, value = text.partition("=")
        if not mark or not name:
            raise UsageError(f"expected NAME=VALUE as a header, got {text!r}")
        headers[name] = value
    return headers


def token_file(options: argparse.Namespace) -> str | None:
    return getattr(options, "token_file", None) or os.environ.get(TOKEN_FILE_VARIABLE) or None


def tls_settings(options: argparse.Namespace, address: Address) -> Mapping[str, Any]:
    """The arguments of `ConnectionTlsInfo`."""
    return {
        "enabled": address.encrypted,
        "insecure_verify": bool(getattr(options, "insecure", False)),
        "ca_file": getattr(options, "ca", None),
        "cert_file": getattr(options, "cert", None),
        "key_file": getattr(options, "key", None),
    }


def _configured_port(protocol: str) -> int:
    from caikit.config import get_config

    port = int(get_config().runtime[protocol].port)
    if not port:
        raise UsageError(f"runtime.{protocol}.port is 0: name the port of the server with --server")
    return port
