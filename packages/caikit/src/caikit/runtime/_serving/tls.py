"""Keys and certificates, given as PEM text or as paths of files that may be replaced."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import alog

from caikit.runtime.utils.watched_files import MadeFromFiles, read_limited

log = alog.use_channel("TLS")

Made = TypeVar("Made")

_PEM_MARK = "-----BEGIN"
_SECTION = "runtime.tls"


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """PEM texts of a server; `client_ca` turns on mutual TLS."""

    key: bytes
    cert: bytes
    client_ca: bytes | None = None

    @property
    def mutual(self) -> bool:
        return self.client_ca is not None


@dataclass(frozen=True, slots=True)
class TlsPaths:
    """Files with the material."""

    key: str
    cert: str
    client_ca: str | None


class TlsSource:
    """Where the material comes from."""

    def __init__(self, key: str, cert: str, client_ca: str | None) -> None:
        self._key = key
        self._cert = cert
        self._client_ca = client_ca

    @property
    def mutual(self) -> bool:
        return self._client_ca is not None

    def read(self) -> TlsMaterial:
        return TlsMaterial(
            key=_read_pem("server.key", self._key),
            cert=_read_pem("server.cert", self._cert),
            client_ca=None if self._client_ca is None else _read_pem("client.cert", self._client_ca),
        )

    def watch(self, make: Callable[[TlsMaterial], Made], server: str) -> MadeFromFiles[Made]:
        """What a server makes of the material, made again when one of the files was replaced."""
        given = (self._key, self._cert, self._client_ca)
        return MadeFromFiles(
            [value for value in given if value is not None and _PEM_MARK not in value],
            lambda: make(self.read()),
            on_change=lambda: log.info(
                "<RUN61240051I>", "New %s connections use the new %s", server, _SECTION
            ),
            on_failure=lambda error: log.error(
                "<RUN61240052E>",
                "The new files of %s cannot be used, %s goes on with the old ones: %s",
                _SECTION,
                server,
                error,
            ),
        )


def find_tls(tls: Any) -> TlsSource | None:
    """The source that a section `tls` of the configuration names; None when TLS is off.

    Raises ValueError for a half of it, with which nothing would be encrypted.
    """
    tls = tls or {}
    server = tls.get("server") or {}
    key, cert = server.get("key"), server.get("cert")
    client_ca = (tls.get("client") or {}).get("cert") or None
    if not key or not cert:
        if key or cert or client_ca:
            raise ValueError(f"{_SECTION}.server: expected a key and a cert, or no {_SECTION} at all")
        return None
    source = TlsSource(key, cert, client_ca)
    source.read()
    return source


@contextlib.contextmanager
def written(material: TlsMaterial) -> Iterator[TlsPaths]:
    """The material in files, which exist only inside of the `with` statement."""
    with tempfile.TemporaryDirectory(prefix="caikit_tls_") as directory:
        yield TlsPaths(
            key=_write(directory, "key.pem", material.key),
            cert=_write(directory, "cert.pem", material.cert),
            client_ca=(
                None if material.client_ca is None else _write(directory, "ca.pem", material.client_ca)
            ),
        )


def check_material(material: TlsMaterial) -> None:
    """Raises ValueError unless key and certificate belong together and the authority is one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with written(material) as paths:
        try:
            # An encrypted key would ask at the terminal for its password.
            context.load_cert_chain(paths.cert, paths.key, password="")
        except (ssl.SSLError, ValueError) as error:
            raise ValueError(
                f"{_SECTION}.server: expected a certificate and its key, without a password: {error}"
            ) from error
        try:
            context.load_verify_locations(cafile=paths.client_ca) if paths.client_ca else None
        except ssl.SSLError as error:
            raise ValueError(f"{_SECTION}.client.cert: expected certificates: {error}") from error


def _read_pem(name: str, value: str) -> bytes:
    if _PEM_MARK in value:
        return value.encode()
    if not os.path.isfile(value):
        raise ValueError(f"{_SECTION}.{name}: expected PEM text or the path of a file, found neither")
    return read_limited(value)


def _write(directory: str, name: str, content: bytes) -> str:
    path = os.path.join(directory, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return path
