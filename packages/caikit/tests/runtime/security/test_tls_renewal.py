"""Keys and certificates that are replaced while the servers run."""

from __future__ import annotations

import contextlib
import logging
import shutil
import socket
import ssl
from pathlib import Path

import grpc
import pytest
from authorities import Authority
from cryptography import x509
from doors import GrpcDoor


def read(path) -> bytes:
    with open(path, "rb") as file:
        return file.read()


class Folder:
    """The files that the configuration names."""

    def __init__(self, path):
        self.key, self.cert, self.ca = str(path / "key.pem"), str(path / "cert.pem"), str(path / "ca.pem")

    def put(self, issued):
        # As a careful program does it: each file appears complete.
        for source, target in ((issued.key, self.key), (issued.cert, self.cert)):
            shutil.copy(source, f"{target}.new")
            Path(f"{target}.new").replace(target)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.fixture
def trusted(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("trusted"))


def shown_serial(port, alpn=None, pair=None, minimum=None):
    """The serial number of the certificate that a new connection gets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols([alpn])
    if pair:
        context.load_cert_chain(pair.cert, pair.key)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as sock,
        context.wrap_socket(sock, server_hostname="localhost") as wrapped,
    ):
        return x509.load_der_x509_certificate(wrapped.getpeercert(binary_form=True)).serial_number


def serials(site, pair=None):
    return {shown_serial(site.http.port, pair=pair), shown_serial(site.grpc_server.port, "h2", pair=pair)}


def secure_door(site, trusted, pair=None):
    files = (read(pair.key), read(pair.cert)) if pair else (None, None)
    credentials = grpc.ssl_channel_credentials(read(trusted.path), *files)
    return GrpcDoor(f"localhost:{site.grpc_server.port}", credentials)


def https(site, trusted, pair=None):
    """A connection over which requests can be sent."""
    context = ssl.create_default_context(cafile=trusted.path)
    if pair:
        context.load_cert_chain(pair.cert, pair.key)
    sock = socket.create_connection(("127.0.0.1", site.http.port), timeout=5)
    return context.wrap_socket(sock, server_hostname="localhost")


def ask(connection):
    try:
        connection.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        answer = b""
        while not answer.endswith(b"\r\n\r\nOK") and (chunk := connection.recv(1000)):
            answer += chunk
        return answer.startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def test_new_certificates(serve, folder, trusted, wait_until, caplog):
    caplog.set_level(logging.INFO)
    first, second = (trusted.issue("localhost", "localhost") for _ in range(2))
    folder.put(first)
    site = serve({"tls": {"server": {"key": folder.key, "cert": folder.cert}}}, enabled=False)
    assert serials(site) == {first.serial}
    door = secure_door(site, trusted)
    with contextlib.closing(door.channel), https(site, trusted) as connection:
        assert (ask(connection), door.infer()) == (True, "OK")
        folder.put(second)
        wait_until(lambda: serials(site) == {second.serial})
        # What is connected stays connected.
        assert (ask(connection), door.infer()) == (True, "OK")
    with https(site, trusted) as connection, site.grpc_server.make_local_channel() as channel:
        assert ask(connection)
        grpc.channel_ready_future(channel).result(5)
    assert caplog.text.count("<RUN61240051I>") == 2
    assert "cannot be used" not in caplog.text


@pytest.mark.parametrize("broken", ["half a key", "no file", "two pairs"])
def test_broken_files(serve, folder, trusted, wait_until, caplog, broken):
    first, second = (trusted.issue("localhost", "localhost") for _ in range(2))
    folder.put(first)
    site = serve({"tls": {"server": {"key": folder.key, "cert": folder.cert}}}, enabled=False)
    match broken:
        case "half a key":
            with open(folder.key, "wb") as file:
                file.write(read(second.key)[:100])
        case "no file":
            Path(folder.cert).unlink()
        case _:
            shutil.copy(second.cert, folder.cert)

    def noticed():
        assert serials(site) == {first.serial}
        return caplog.text.count("cannot be used") == 2

    wait_until(noticed)
    assert serials(site) == {first.serial}
    lines = [record.getMessage() for record in caplog.records if "cannot be used" in record.getMessage()]
    assert len(lines) == 2
    assert all("goes on with the old ones" in line for line in lines)
    assert all("PRIVATE KEY" not in line for line in lines)
    folder.put(second)
    wait_until(lambda: serials(site) == {second.serial})


def test_new_authority_of_the_clients(serve, folder, trusted, wait_until, tmp_path_factory):
    clients = [Authority(tmp_path_factory.mktemp("clients")) for _ in range(2)]
    old, new = (authority.issue("client") for authority in clients)
    folder.put(trusted.issue("localhost", "localhost"))
    shutil.copy(clients[0].path, folder.ca)
    tls = {"server": {"key": folder.key, "cert": folder.cert}, "client": {"cert": folder.ca}}
    site = serve({"tls": tls}, enabled=False)

    def accepted(pair):
        door = secure_door(site, trusted, pair)
        with contextlib.closing(door.channel):
            statuses = {door.infer() == "OK"}
        try:
            with https(site, trusted, pair) as connection:
                statuses.add(ask(connection))
        except ssl.SSLError:
            statuses.add(False)
        return statuses

    assert (accepted(old), accepted(new), accepted(None)) == ({True}, {False}, {False})
    shutil.copy(clients[1].path, folder.ca)
    wait_until(lambda: accepted(new) == {True})
    assert (accepted(old), accepted(None)) == ({False}, {False})


def test_a_pair_that_does_not_fit(serve, folder, trusted):
    first, second = (trusted.issue("localhost", "localhost") for _ in range(2))
    folder.put(first)
    shutil.copy(second.key, folder.key)
    with pytest.raises(ValueError, match=r"runtime.tls.server: expected a certificate and its key"):
        serve({"tls": {"server": {"key": folder.key, "cert": folder.cert}}}, enabled=False)
