from __future__ import annotations

import hashlib
import logging

import pytest

KEY, OTHER = "a-key-for-inference", "a-key-for-operators"
CLIENTS = {
    "app": {"key": KEY, "scopes": ["infer"]},
    "ops": {"key": OTHER, "scopes": ["train", "manage", "read", "interfaces"]},
}
OPERATOR_KINDS = ["train", "ask_training", "manage", "read", "interfaces"]


def test_nothing_is_asked_without_security(serve):
    site = serve(enabled=False)
    assert site.infer() == "OK"
    assert site.infer("Bearer nonsense") == "OK"
    assert site.both("interfaces") == "OK"
    assert "securitySchemes" not in site.http.text


def test_keys_and_their_scopes(serve):
    site = serve(clients=CLIENTS)
    for door in site.doors:
        for kind in ("infer", "stream", *OPERATOR_KINDS):
            assert getattr(door, kind)() == "UNAUTHENTICATED", kind
            assert getattr(door, kind)("Bearer not-one-of-the-keys") == "UNAUTHENTICATED", kind
        assert door.infer(f"Bearer {KEY}") == "OK"
        assert door.stream(f"Bearer {KEY}") == "OK"
        for kind in OPERATOR_KINDS:
            assert getattr(door, kind)(f"Bearer {KEY}") == "PERMISSION_DENIED", kind
            assert getattr(door, kind)(f"bearer  {OTHER}") not in ("UNAUTHENTICATED", "PERMISSION_DENIED"), (
                kind
            )
        assert door.infer(f"Bearer {OTHER}") == "PERMISSION_DENIED"
        assert door.health() == "OK"
    assert site.grpc.bidi() == "UNAUTHENTICATED"
    assert site.grpc.bidi(f"Bearer {KEY}") == "OK"
    assert (site.grpc.mesh(f"Bearer {KEY}"), site.grpc.mesh(f"Bearer {OTHER}")) == ("PERMISSION_DENIED", "OK")
    assert site.grpc.process(f"Bearer {KEY}") == "PERMISSION_DENIED"
    assert site.grpc.process(f"Bearer {OTHER}") == "INVALID_ARGUMENT"


def test_challenges(serve):
    site = serve(clients=CLIENTS)
    site.http.infer()
    assert site.http.headers["www-authenticate"] == 'Bearer realm="caikit"'
    assert site.http.headers["content-type"] == "application/json"
    site.http.infer("Bearer wrong")
    assert site.http.headers["www-authenticate"] == 'Bearer realm="caikit", error="invalid_token"'
    site.http.manage(f"Bearer {KEY}")
    expected = 'Bearer realm="caikit", error="insufficient_scope", scope="manage"'
    assert site.http.headers["www-authenticate"] == expected
    assert site.http.text.startswith("""{"details": "This needs the scope 'manage'", "code": 403, "id": """)
    site.grpc.manage(f"Bearer {KEY}")
    assert site.grpc.text == "This needs the scope 'manage'"


def test_keys_from_everywhere(serve, tmp_path, monkeypatch, wait_until):
    monkeypatch.setenv("TESTS_SECURED_KEY", "key-in-the-environment\n")
    file = tmp_path / "keys"
    file.write_text(
        f"# both are valid while one takes the place of the other\nold-key-in-a-file\n\n  {OTHER}\n"
    )
    clients = {
        "hashed": {"key": "sha256:" + hashlib.sha256(KEY.encode()).hexdigest(), "scopes": ["infer"]},
        "env": {"env": "TESTS_SECURED_KEY", "scopes": "infer,read"},
        "file": {"file": str(file), "scopes": ["all"]},
    }
    site = serve(clients=clients)
    for key in (KEY, "key-in-the-environment", "old-key-in-a-file", OTHER):
        assert site.infer(f"Bearer {key}") == "OK"
    hashed = "sha256:" + hashlib.sha256(KEY.encode()).hexdigest()
    assert site.infer(f"Bearer {hashed}") == "UNAUTHENTICATED"
    file.write_text(f"{OTHER}\n")
    wait_until(lambda: site.http.infer("Bearer old-key-in-a-file") == "UNAUTHENTICATED")
    assert site.infer(f"Bearer {OTHER}") == "OK"
    file.write_text("short\n")
    assert site.infer(f"Bearer {OTHER}") == "OK"
    file.unlink()
    wait_until(lambda: site.http.infer(f"Bearer {OTHER}") == "UNAUTHENTICATED")


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        KEY,
        f"Basic {KEY}",
        f"Bearer {KEY} {KEY}",
        f"Bearer {KEY},",
        f"Bearer {KEY}\t",
        f"Bearer\t{KEY}x",
        f"Bearer {KEY}x",
        f"Bearer {KEY[:-1]}",
        f"Bearer {KEY.upper()}",
        f'Bearer "{KEY}"',
        "Bearer " + "a" * 8193,
        "Bearer " + "." * 8000,
        "Bearer sha256:" + hashlib.sha256(KEY.encode()).hexdigest(),
        [f"Bearer {KEY}", f"Bearer {KEY}"],
        [f"Bearer {KEY}", "Bearer nonsense"],
        ["Bearer nonsense", f"Bearer {KEY}"],
        ["", f"Bearer {KEY}"],
    ],
    ids=lambda value: str(value)[:30],
)
def test_malformed(serve, authorization):
    site = serve(clients=CLIENTS)
    for door in site.doors:
        found = door.infer(authorization)
        # A trailing blank does not count as part of a header's value.
        expected = "OK" if authorization == f"Bearer {KEY}\t" else "UNAUTHENTICATED"
        # grpcio itself refuses what is no metadata, or too much of it.
        assert found in (expected, *(("INTERNAL", "RESOURCE_EXHAUSTED") if door is site.grpc else ()))


def test_letters_that_are_no_ascii(serve):
    site = serve(clients=CLIENTS)
    for value in ("Bearer schlüssel-schlüssel", "Bearer \u212aey-a-key-for-inference", "Bearer a\u00a0b"):
        assert site.http.infer(value) == "UNAUTHENTICATED"
        assert "schl" not in site.http.text


def test_keys_elsewhere_do_not_count(serve):
    site = serve(clients=CLIENTS)
    content = {"model_id": "echo", "inputs": "a", "access_token": KEY}
    for query in (f"?access_token={KEY}", f"?authorization=Bearer%20{KEY}", f"?key={KEY}"):
        status = site.http.request("POST", f"/api/v1/task/echoing{query}", None, content)
        assert status == "UNAUTHENTICATED"
        assert site.http.request("GET", f"/info/version{query}") == "UNAUTHENTICATED"


def test_the_body_of_a_refused_request_is_not_read(serve):
    site = serve(clients=CLIENTS)
    assert site.http.request("POST", "/api/v1/task/echoing", None, {"broken": 1}) == "UNAUTHENTICATED"
    import socket

    with socket.create_connection(("127.0.0.1", site.http.port), timeout=5) as sock:
        sock.sendall(
            b"POST /api/v1/task/echoing HTTP/1.1\r\nhost: x\r\ncontent-length: 60000000\r\n"
            b"content-type: text/nonsense\r\n\r\n{"
        )
        assert sock.recv(1000).startswith(b"HTTP/1.1 401 ")
    assert site.grpc.call("/caikit.runtime.SecuredLib.SecuredLibService/EchoingTaskPredict", b"\xff\xff") == (
        "UNAUTHENTICATED"
    )


def test_the_log_has_no_keys(serve, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        site = serve(clients=CLIENTS)
        site.infer(f"Bearer {KEY}")
        site.infer(f"Bearer {KEY}-and-more")
        site.infer(f"Basic {OTHER}")
        site.both("manage", f"Bearer {OTHER}")
        site.both("manage", f"Bearer {KEY}")
    text = caplog.text + "".join(capfd.readouterr())
    assert KEY not in text
    assert OTHER not in text


def test_refusals_do_not_flood_the_log(serve, caplog):
    site = serve(clients=CLIENTS)
    with caplog.at_level(logging.WARNING):
        for _ in range(200):
            site.http.infer("Bearer wrong-wrong-wrong")
    refusals = [record for record in caplog.records if "Refused a call" in record.getMessage()]
    assert 1 <= len(refusals) <= 60
