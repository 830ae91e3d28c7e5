"""TLS settings of uvicorn, which reads keys from files only."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from collections.abc import Iterator
from typing import Any

from caikit.runtime._serving.tls import TlsMaterial


@contextlib.contextmanager
def tls_settings(tls: TlsMaterial | None) -> Iterator[dict[str, Any]]:
    """The settings; the files that they name exist only inside of the `with` statement."""
    if tls is None:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="caikit_tls_") as directory:
        settings: dict[str, Any] = {
            "ssl_keyfile": _write(directory, "key.pem", tls.key),
            "ssl_certfile": _write(directory, "cert.pem", tls.cert),
        }
        if tls.client_ca is not None:
            settings["ssl_ca_certs"] = _write(directory, "ca.pem", tls.client_ca)
            settings["ssl_cert_reqs"] = ssl.CERT_REQUIRED
        yield settings


def _write(directory: str, name: str, content: bytes) -> str:
    path = os.path.join(directory, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return path
