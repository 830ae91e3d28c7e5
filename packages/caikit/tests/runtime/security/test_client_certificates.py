from __future__ import annotations

import contextlib

import grpc
import pytest
import requests
from doors import GrpcDoor

KEY = "a-key-for-inference"


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


@pytest.fixture
def callers(serve, authority):
    """A function that calls both protocols with a certificate, and a key, and tells the statuses."""
    server = authority.issue("localhost", "localhost")
    site_settings = {
        "tls": {
            "server": {"key": server.key, "cert": server.cert},
            "client": {"cert": authority.path},
        },
    }

    @contextlib.contextmanager
    def start(**security):
        # The doors of the site know nothing of TLS; only its ports are used.
        site = serve(site_settings, **security)

        def call(issued, authorization=None):
            headers = {} if authorization is None else {"authorization": authorization}
            response = requests.post(
                f"https://localhost:{site.http.port}/api/v1/task/echoing",
                json={"model_id": "echo", "inputs": "a"},
                headers=headers,
                cert=(issued.cert, issued.key),
                verify=authority.path,
                timeout=5,
            )
            credentials = grpc.ssl_channel_credentials(
                read(authority.path), read(issued.key), read(issued.cert)
            )
            door = GrpcDoor(f"localhost:{site.grpc_server.port}", credentials)
            with contextlib.closing(door.channel):
                return response.status_code, door.infer(authorization)

        yield call

    return start


CLIENTS = {
    "dns": {"certificate": "robot.example", "scopes": ["infer"]},
    "spiffe": {"certificate": "spiffe://cluster/ns/default/sa/app", "scopes": ["infer"]},
    "common name": {"certificate": "old client", "scopes": ["infer"]},
    "operator": {"certificate": "ops.example", "scopes": ["manage"]},
    "key": {"key": KEY, "scopes": ["infer"]},
}


def test_names_in_certificates(callers, authority):
    with callers(clients=CLIENTS) as call:
        assert call(authority.issue("x", "robot.example")) == (200, "OK")
        assert call(authority.issue("x", "other.example", "robot.example")) == (200, "OK")
        assert call(authority.issue("x", "spiffe://cluster/ns/default/sa/app")) == (200, "OK")
        assert call(authority.issue("old client")) == (200, "OK")
        assert call(authority.issue("x", "ops.example")) == (403, "PERMISSION_DENIED")
        assert call(authority.issue("x", "robot.example.evil")) == (401, "UNAUTHENTICATED")
        # With alternative names, the common name does not count.
        assert call(authority.issue("old client", "y.example")) == (401, "UNAUTHENTICATED")
        assert call(authority.issue("robot.example*")) == (401, "UNAUTHENTICATED")


def test_a_certificate_of_nobody_is_named_in_the_log(callers, authority, caplog):
    with callers(clients=CLIENTS) as call, caplog.at_level("WARNING"):
        assert call(authority.issue("x", "y.example")) == (401, "UNAUTHENTICATED")
    assert "no client has a certificate of 'y.example'" in caplog.text


def test_a_key_goes_before_the_certificate(callers, authority):
    with callers(clients=CLIENTS) as call:
        robot, stranger = authority.issue("x", "robot.example"), authority.issue("x", "y.example")
        assert call(stranger, f"Bearer {KEY}") == (200, "OK")
        assert call(authority.issue("x", "ops.example"), f"Bearer {KEY}") == (200, "OK")
        assert call(robot, "Bearer nonsense") == (401, "UNAUTHENTICATED")
