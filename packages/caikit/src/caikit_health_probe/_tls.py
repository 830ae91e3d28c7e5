"""How to reach the servers of this machine."""

from __future__ import annotations

import os
import ssl
import tempfile
from typing import Any


def client_context(tls: Any) -> ssl.SSLContext | None:
    """None without TLS. The server is not verified: it is that of this machine, under whatever name it has."""
    server = (tls or {}).get("server") or {}
    key, cert = server.get("key"), server.get("cert")
    if not key or not cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if (tls.get("client") or {}).get("cert"):
        # Servers trust their own certificate.
        _use_pair(context, key, cert)
    return context


def _use_pair(context: ssl.SSLContext, key: str, cert: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        context.load_cert_chain(_as_file(cert, folder, "cert"), _as_file(key, folder, "key"))


def _as_file(value: str, folder: str, name: str) -> str:
    """The path of a PEM file; settings hold the path or the text."""
    if "-----BEGIN" not in value:
        return value
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(value)
    return path
