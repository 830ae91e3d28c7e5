"""Those who sign: tokens with keys of all kinds, certificates for servers and clients."""

from __future__ import annotations

import datetime
import http.server
import json
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import get_default_algorithms

SECRET = "0123456789abcdef0123456789abcdef"


class Signer:
    """One key for each algorithm; the id of a key is the name of its algorithm."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {
            "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
            "ES256": ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        }

    def jwk(self, algorithm: str, **more: Any) -> dict[str, Any]:
        public = self.keys[algorithm].public_key()
        found = get_default_algorithms()[algorithm].to_jwk(public, as_dict=True)
        return {**found, "kid": algorithm, **more}

    def key_set(self) -> dict[str, Any]:
        return {"keys": [self.jwk(name) for name in self.keys]}

    def sign(self, claims: dict[str, Any], algorithm: str = "RS256", **headers: Any) -> str:
        headers = {"kid": algorithm, **headers}
        headers = {name: value for name, value in headers.items() if value is not None}
        content = json.dumps(claims).encode()
        return "Bearer " + jwt.PyJWS().encode(content, self.keys[algorithm], algorithm, headers=headers)

    def public_pem(self, algorithm: str = "RS256") -> bytes:
        return (
            self.keys[algorithm]
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )


class JwksServer:
    """Shows a key set, counts who asks for it, and can be slow or broken."""

    def __init__(self, key_set: Any) -> None:
        self.content = json.dumps(key_set).encode()
        self.status = 200
        self.delay = 0.0
        self.headers: dict[str, str] = {}
        self.count = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.count += 1
                time.sleep(outer.delay)
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(outer.content)))
                self.end_headers()
                self.wfile.write(outer.content)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.url = f"http://127.0.0.1:{self._server.server_port}/keys"

    def show(self, *keys: dict[str, Any]) -> None:
        self.content = json.dumps({"keys": list(keys)}).encode()

    def __enter__(self) -> JwksServer:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Authority:
    """Issues certificates for names, as files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Authority {folder.name}")])
        builder = self._builder(self._name, self._key.public_key())
        self.certificate = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True).sign(
            self._key, hashes.SHA256()
        )
        self.path = self._write("ca.pem", self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, common_name: str, *alternatives: str) -> SimpleNamespace:
        """Paths of the key and certificate for these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        builder = self._builder(subject, key.public_key())
        if alternatives:
            names = [
                x509.UniformResourceIdentifier(name) if "://" in name else x509.DNSName(name)
                for name in alternatives
            ]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        certificate = builder.sign(self._key, hashes.SHA256())
        stem = f"{len(list(self.folder.iterdir()))}"
        return SimpleNamespace(
            serial=certificate.serial_number,
            cert=self._write(f"{stem}.pem", certificate.public_bytes(serialization.Encoding.PEM)),
            key=self._write(
                f"{stem}.key",
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                ),
            ),
        )

    def _builder(self, subject: x509.Name, public_key: Any) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
        )

    def _write(self, name: str, content: bytes) -> str:
        path = self.folder / name
        path.write_bytes(content)
        return str(path)
