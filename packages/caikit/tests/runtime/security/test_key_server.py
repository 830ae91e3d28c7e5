from __future__ import annotations

import concurrent.futures
import logging
import socket
import ssl
import threading
import time

import pytest
from authorities import JwksServer, Signer


@pytest.fixture
def start(serve, jwks_server):
    return lambda **jwt: serve(jwt={"jwks": jwks_server.url, "audience": "caikit", **jwt})


def test_keys_from_a_server(start, jwks_server, signer, claims):
    site = start()
    for _ in range(5):
        assert site.infer(signer.sign(claims)) == "OK"
    assert jwks_server.count == 1


def test_a_new_key_counts_with_its_first_token(start, jwks_server, signer, claims):
    site = start()
    other = Signer()
    jwks_server.show(signer.jwk("RS256"), other.jwk("RS256", kid="new"))
    jwks_server.delay = 0.2
    assert site.http.infer(other.sign(claims, kid="new")) == "OK"
    assert site.grpc.infer(other.sign(claims, kid="new")) == "OK"
    assert jwks_server.count == 2


def test_a_new_key_counts_with_its_first_token_over_grpc(start, jwks_server, signer, claims):
    site = start()
    other = Signer()
    jwks_server.show(other.jwk("RS256", kid="new"))
    assert site.infer(signer.sign(claims)) == "OK"
    assert site.grpc.infer(other.sign(claims, kid="new")) == "OK"
    # The old key is gone, and so is what it has signed.
    assert site.infer(signer.sign(claims)) == "UNAUTHENTICATED"


def test_unknown_keys_do_not_hammer_the_server(start, jwks_server, signer, claims):
    site = start()
    jwks_server.delay = 0.1
    other = Signer()
    tokens = [other.sign(claims, kid=f"invented {number}") for number in range(300)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        statuses = set(pool.map(site.http.infer, tokens))
        statuses |= {site.grpc.infer(token) for token in tokens[:100]}
    assert statuses <= {"UNAUTHENTICATED", "UNAVAILABLE"}
    assert "UNAUTHENTICATED" in statuses
    assert jwks_server.count == 2
    assert site.infer(signer.sign(claims)) == "OK"


def test_keys_stay_while_the_server_is_down(start, jwks_server, signer, claims, caplog, wait_until):
    site = start(refresh_seconds=1)
    jwks_server.status = 500
    wait_until(lambda: "those in use stay" in caplog.text)
    assert site.infer(signer.sign(claims)) == "OK"
    asked = jwks_server.count
    # Failures are followed by longer and longer pauses, whoever asks.
    for number in range(30):
        assert site.http.infer(signer.sign(claims, kid=f"invented {number}")) == "UNAUTHENTICATED"
    assert jwks_server.count <= asked + 1


@pytest.mark.parametrize(
    ("status", "content", "text"),
    [
        (500, b"oops", "expected status 200, got 500"),
        (200, b"<html>", "found no JSON"),
        (200, b'{"keys": []}', "found no usable key"),
        (302, b"", "expected status 200, got 302"),
        (204, b"", "expected status 200, got 204"),
        (200, b" " * 1_100_000, "expected at most 1048576 bytes"),
    ],
    ids=["error", "no json", "no keys", "redirect", "empty", "large"],
)
def test_a_server_that_starts_without_keys(start, jwks_server, signer, claims, caplog, status, content, text):
    good = jwks_server.content
    jwks_server.status, jwks_server.content = status, content
    jwks_server.headers = {"location": jwks_server.url + "?again"}
    with caplog.at_level(logging.INFO):
        site = start()
        assert text in caplog.text
        assert site.infer(signer.sign(claims)) == "UNAVAILABLE"
        assert site.http.headers["retry-after"] == "1"
        assert site.infer() == "UNAUTHENTICATED"
        jwks_server.status, jwks_server.content = 200, good
        end = time.monotonic() + 8
        while site.http.infer(signer.sign(claims)) != "OK":
            assert time.monotonic() < end
            time.sleep(0.05)
        assert "are back" in caplog.text


def test_nobody_listens(serve, signer, claims):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    begin = time.monotonic()
    site = serve(
        jwt={"jwks": f"http://127.0.0.1:{port}/keys"},
        clients={"app": {"key": "a-key-for-inference", "scopes": ["infer"]}},
    )
    assert time.monotonic() - begin < 4
    assert site.infer(signer.sign(claims)) == "UNAVAILABLE"
    assert site.infer("Bearer a-key-for-inference") == "OK"


def test_a_silent_key_server_holds_nobody_up(start, jwks_server, signer, claims):
    site = start()
    jwks_server.delay = 3.5
    unknown = Signer().sign(claims, kid="unknown")
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        begin = time.monotonic()
        waiting = [pool.submit(site.http.infer, unknown) for _ in range(40)]
        time.sleep(0.3)
        early = sum(call.done() for call in waiting)
        assert early >= 30  # only a few may wait
        assert site.infer(signer.sign(claims)) == "OK"
        assert site.http.health() == "OK"
        assert time.monotonic() - begin < 2
        assert {call.result() for call in waiting} == {"UNAVAILABLE"}


def test_servers_with_certificates(serve, signer, authority, claims, caplog):
    issued = authority.issue("keys", "localhost")
    with JwksServer(signer.key_set()) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.cert, issued.key)
        server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
        url = server.url.replace("http://127.0.0.1", "https://localhost")
        site = serve(jwt={"jwks": url, "ca": authority.path})
        assert site.infer(signer.sign(claims)) == "OK"


def test_servers_with_certificates_of_strangers(serve, signer, authority, claims, caplog):
    issued = authority.issue("keys", "localhost")
    with JwksServer(signer.key_set()) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.cert, issued.key)
        server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
        url = server.url.replace("http://127.0.0.1", "https://localhost")
        site = serve(jwt={"jwks": url})
        assert site.infer(signer.sign(claims)) == "UNAVAILABLE"
        assert "CERTIFICATE_VERIFY_FAILED" in caplog.text


def test_no_thread_stays(start):
    site = start()
    assert any(thread.name == "caikit_keys" for thread in threading.enumerate())
    site.close()
    assert not any(thread.name == "caikit_keys" for thread in threading.enumerate())
