"""Keys and certificates, given as PEM text or as paths of files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

_PEM_MARK = "-----BEGIN"


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """PEM texts of a server; `client_ca` turns on mutual TLS."""

    key: bytes
    cert: bytes
    client_ca: bytes | None = None

    @property
    def mutual(self) -> bool:
        return self.client_ca is not None


def read_tls(tls: Any) -> TlsMaterial | None:
    """The material that a section `tls` of the configuration names; None when TLS is off."""
    tls = tls or {}
    server = tls.get("server") or {}
    key, cert = server.get("key"), server.get("cert")
    if not key or not cert:
        return None
    client_cert = (tls.get("client") or {}).get("cert")
    return TlsMaterial(
        key=_read_pem("runtime.tls.server.key", key),
        cert=_read_pem("runtime.tls.server.cert", cert),
        client_ca=_read_pem("runtime.tls.client.cert", client_cert) if client_cert else None,
    )


def _read_pem(name: str, value: str) -> bytes:
    if _PEM_MARK in value:
        return value.encode()
    if not os.path.isfile(value):
        raise ValueError(f"{name}: expected PEM text or the path of a file, found neither")
    with open(value, "rb") as file:
        return file.read()
