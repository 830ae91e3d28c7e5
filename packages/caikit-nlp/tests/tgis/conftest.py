"""Text generation servers of the tests, and backends that call them."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from nlp_generation_server import GenerationServer, start


@dataclass(frozen=True)
class Running:
    """A server that runs."""

    servicer: GenerationServer
    port: int

    @property
    def hostname(self) -> str:
        return f"localhost:{self.port}"


@pytest.fixture
def serve_texts() -> Iterator[Callable[..., Running]]:
    """Starts servers, which end with the test."""
    servers = []

    def serve(name: str = "", credentials: Any = None) -> Running:
        servicer = GenerationServer(name)
        server, port = start(servicer, credentials=credentials)
        servers.append(server)
        return Running(servicer, port)

    yield serve
    for server in servers:
        server.stop(None).wait(5)


@pytest.fixture
def texts(serve_texts: Callable[..., Running]) -> Running:
    """A server."""
    return serve_texts()


@pytest.fixture
def make_backend() -> Iterator[Callable[..., Any]]:
    """Makes backends, which stop with the test."""
    from caikit_tgis_backend import TGISBackend

    backends = []

    def make(**config: Any) -> TGISBackend:
        backends.append(TGISBackend(config))
        return backends[-1]

    yield make
    for backend in backends:
        backend.stop()


@pytest.fixture
def backend(make_backend: Callable[..., Any], texts: Running) -> Any:
    """A backend for the server."""
    return make_backend(connection={"hostname": texts.hostname})


@dataclass(frozen=True)
class Certificates:
    """Files with keys and certificates of one authority."""

    authority: str
    server_cert: str
    server_key: str
    client_cert: str
    client_key: str

    def content(self, name: str) -> bytes:
        return Path(getattr(self, name)).read_bytes()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """For a server named localhost or texts.example, and for a client."""
    folder = tmp_path_factory.mktemp("certificates")
    authority_key, authority = _certificate("authority", None, None)
    files = {"authority": _write(folder, "authority.crt", _pem(authority))}
    for name in ("server", "client"):
        key, certificate = _certificate(name, authority_key, authority)
        files[f"{name}_cert"] = _write(folder, f"{name}.crt", _pem(certificate))
        files[f"{name}_key"] = _write(folder, f"{name}.key", _private_pem(key))
    return Certificates(**files)


def _write(folder: Path, name: str, content: bytes) -> str:
    (folder / name).write_bytes(content)
    return str(folder / name)


def _certificate(name: str, signing_key: Any, issuer: Any) -> tuple[Any, Any]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [
        x509.DNSName("localhost"),
        x509.DNSName("texts.example"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return key, builder.sign(signing_key or key, hashes.SHA256())


def _pem(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    encoded: bytes = certificate.public_bytes(serialization.Encoding.PEM)
    return encoded


def _private_pem(key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    encoded: bytes = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return encoded
