from __future__ import annotations

import json

import pytest
from doors import HttpDoor

from caikit.runtime.http_server import RuntimeHTTPServer

KEY = "a-key-that-is-long-enough"
APP = {"app": {"key": KEY, "scopes": ["infer"]}}


@pytest.mark.parametrize(
    ("security", "text"),
    [
        ({}, "nobody could make requests for infer, train, manage, read, interfaces"),
        ({"enabled": "perhaps"}, "runtime.security.enabled: expected true or false, got str"),
        ({"access": {"infer": "opne"}}, "runtime.security.access.infer: expected one of open, token, closed"),
        ({"access": {"inference": "open"}}, "runtime.security.access: expected the keys infer"),
        (
            {"clients": {"a": {"scopes": ["infer"]}}},
            "runtime.security.clients.a: expected scopes and one of key",
        ),
        ({"clients": {"a": {"key": KEY, "env": "X", "scopes": ["infer"]}}}, "one of key, env, file"),
        ({"clients": {"a": {"key": KEY}}}, "runtime.security.clients.a.scopes: expected at least one scope"),
        ({"clients": {"a": {"key": KEY, "scopes": ["all", "root"]}}}, "expected scopes among infer"),
        ({"clients": {"a": {"key": "short", "scopes": ["all"]}}}, "expected a key of 16 or more characters"),
        ({"clients": {"a": {"key": "sha256:abc-abc-abc-abc", "scopes": ["all"]}}}, "64 hexadecimal digits"),
        ({"clients": {"a": {"key": 12345678901234567890, "scopes": ["all"]}}}, "expected text, got int"),
        (
            {"clients": {"a": {"env": "NOT_SET_ANYWHERE", "scopes": ["all"]}}},
            "variable NOT_SET_ANYWHERE, found none",
        ),
        ({"clients": {"a": {"file": "/not/there", "scopes": ["all"]}}}, "runtime.security.clients.a.file: "),
        (
            {"clients": {"a": {"key": KEY, "scopes": ["infer"]}, "b": {"key": KEY, "scopes": ["all"]}}},
            "a and b have the same key",
        ),
        ({"clients": [KEY]}, "runtime.security.clients: expected a mapping"),
        ({"jwt": {"jwks": "/not/there.json"}}, "runtime.security.jwt.jwks: "),
        ({"jwt": {"jwks": "http://issuer.example/keys"}}, "an https URL without a password"),
        ({"jwt": {"jwks": "https://me:secret@issuer.example/keys"}}, "an https URL without a password"),
        ({"jwt": {"jwks": "file:///etc/passwd"}}, "an https URL without a password"),
        ({"jwt": {"jwks": "k.json", "algorithms": ["none"]}}, "expected some of RS256, .* got 'none'"),
        ({"jwt": {"jwks": "https://a.example/k", "algorithms": ["HS256"]}}, "HS256 needs a file"),
        ({"jwt": {"jwks": "k.json", "leeway_seconds": -1}}, "expected at least 0 seconds, got -1"),
        ({"jwt": {"jwks": "k.json", "refresh_seconds": 0}}, "expected at least 1 seconds, got 0"),
        ({"jwt": {"jwks": "k.json", "scope_names": {"root": ["x"]}}}, "expected scopes among infer"),
        ({"jwt": {"jwks": "k.json", "granted": ["root"]}}, "expected scopes among infer"),
    ],
)
def test_what_cannot_be_meant(serve, security, text):
    with pytest.raises(ValueError, match=text) as caught:
        serve(**security)
    assert KEY not in str(caught.value)
    assert "secret" not in str(caught.value).replace("a secret that a URL shows", "")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", "found no JSON"),
        ("[" * 100_000, "found no JSON"),
        ("[]", "an object with a list of keys"),
        ('{"keys": []}', "found no usable key for ES256, EdDSA, RS256 among 0"),
        ('{"keys": [1, {"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}', "found no usable key .* among 2"),
        ('{"keys": [{"kty": "oct", "k": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}]}', "no usable key"),
        ('{"keys": [{"kty": ["RSA"], "kid": {}}]}', "no usable key"),
    ],
)
def test_key_sets_that_are_none(serve, tmp_path, content, text):
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=text):
        serve(jwt={"jwks": str(path)})


def test_a_missing_package_is_explained(serve, jwks_file, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jwt", None)
    with pytest.raises(ImportError, match=r"pip install 'caikit\[runtime-security\]'"):
        serve(jwt={"jwks": str(jwks_file)})


def test_a_failed_start_can_be_repeated(serve, settings):
    with pytest.raises(ValueError, match="nobody"):
        serve()
    settings["security"] = {}
    assert serve(clients=APP).infer(f"Bearer {KEY}") == "OK"


def test_from_the_environment(serve, monkeypatch, settings, temp_config):
    monkeypatch.setenv("RUNTIME_SECURITY_ENABLED", "true")
    monkeypatch.setenv("RUNTIME_SECURITY_CLIENTS", json.dumps(APP))
    monkeypatch.setenv("RUNTIME_SECURITY_ACCESS_READ", "open")
    temp_config({"runtime": settings})
    with RuntimeHTTPServer() as server:
        door = HttpDoor(server.port)
        assert (door.infer(), door.infer(f"Bearer {KEY}"), door.read()) == ("UNAUTHENTICATED", "OK", "OK")
