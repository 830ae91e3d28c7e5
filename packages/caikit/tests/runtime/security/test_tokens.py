from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import time

import jwt
import pytest
from authorities import SECRET, Signer

BASE = {"issuer": "https://issuer.example", "audience": "caikit", "leeway_seconds": 0}


def encode(part) -> str:
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def forge(header, claims, signature=b"") -> str:
    return f"Bearer {encode(header)}.{encode(claims)}.{encode(signature)}"


@pytest.fixture
def site(serve, jwks_file):
    return serve(jwt={"jwks": str(jwks_file), **BASE})


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_signed_tokens(site, signer, claims, algorithm):
    token = signer.sign(claims, algorithm)
    for _ in range(2):
        assert site.infer(token) == "OK"
        assert site.both("read", token) == "OK"
        assert site.both("manage", token) == "PERMISSION_DENIED"
    assert site.grpc.stream(token) == "OK"
    assert site.infer(token[:-8] + "AAAAAAAA") == "UNAUTHENTICATED"
    assert site.infer(token + "A") == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"exp": None}, "UNAUTHENTICATED"),
        ({"exp": -1}, "UNAUTHENTICATED"),
        ({"exp": 0}, "UNAUTHENTICATED"),
        ({"exp": True}, "UNAUTHENTICATED"),
        ({"exp": "soon"}, "UNAUTHENTICATED"),
        ({"exp": "99999999999"}, "UNAUTHENTICATED"),
        ({"exp": [99999999999]}, "UNAUTHENTICATED"),
        ({"exp": float("inf")}, "UNAUTHENTICATED"),
        ({"exp": float("nan")}, "UNAUTHENTICATED"),
        ({"exp": 1e300}, "OK"),
        ({"exp": 99999999999.5}, "OK"),
        ({"nbf": 99999999999}, "UNAUTHENTICATED"),
        ({"nbf": "now"}, "UNAUTHENTICATED"),
        ({"nbf": 1}, "OK"),
        ({"iat": 99999999999}, "UNAUTHENTICATED"),
        ({"iat": "now"}, "UNAUTHENTICATED"),
        ({"iat": None}, "OK"),
        ({"iss": None}, "UNAUTHENTICATED"),
        ({"iss": "https://issuer.example/"}, "UNAUTHENTICATED"),
        ({"iss": ["https://issuer.example"]}, "UNAUTHENTICATED"),
        ({"aud": None}, "UNAUTHENTICATED"),
        ({"aud": "another"}, "UNAUTHENTICATED"),
        ({"aud": ["another", "caikit"]}, "OK"),
        ({"aud": {"caikit": 1}}, "UNAUTHENTICATED"),
        ({"aud": "*"}, "UNAUTHENTICATED"),
        ({"scope": None}, "PERMISSION_DENIED"),
        ({"scope": ["read", "infer", 5, None]}, "OK"),
        ({"scope": {"infer": True}}, "PERMISSION_DENIED"),
        ({"scope": "INFER inferx all *"}, "PERMISSION_DENIED"),
        ({"sub": None}, "OK"),
        ({"sub": "x\n<RUN00000000E> forged line"}, "OK"),
    ],
    ids=str,
)
def test_claims(site, signer, claims, change, status):
    claims.update(change)
    token = signer.sign({name: value for name, value in claims.items() if value is not None})
    assert site.infer(token) == status


def test_the_end_of_a_token(site, signer, claims, wait_until):
    claims["exp"] = time.time() + 1.2
    token = signer.sign(claims)
    assert site.infer(token) == "OK"
    wait_until(lambda: time.time() > claims["exp"])
    assert site.infer(token) == "UNAUTHENTICATED"
    assert "The token has expired" in site.http.text
    assert site.grpc.text == "The token has expired"


def test_leeway(serve, jwks_file, signer, claims):
    site = serve(jwt={"jwks": str(jwks_file), **BASE, "leeway_seconds": 30})
    now = time.time()
    for change, status in (
        ({"exp": now - 5}, "OK"),
        ({"exp": now - 60}, "UNAUTHENTICATED"),
        ({"nbf": now + 5}, "OK"),
        ({"nbf": now + 60}, "UNAUTHENTICATED"),
        ({"iat": now + 5}, "OK"),
    ):
        assert site.infer(signer.sign({**claims, **change})) == status, change


def test_forgeries(site, signer, claims):
    """Each of these has been accepted by somebody's server once."""
    pem = signer.public_pem()
    other = Signer()
    header = {"alg": "HS256", "typ": "JWT", "kid": "RS256"}
    unsigned = f"{encode(header)}.{encode(claims)}"
    confused = [
        hmac.new(key, unsigned.encode(), hashlib.sha256).digest()
        for key in (pem, pem.strip(), b"", json.dumps(signer.jwk("RS256")).encode())
    ]
    private = jwt.PyJWK(other.jwk("RS256"))
    assert private.key_id == "RS256"
    tokens = {
        "none": forge({"alg": "none"}, claims),
        "none with a key": forge({"alg": "none", "kid": "RS256"}, claims),
        "None": forge({"alg": "None", "kid": "RS256"}, claims, b"x"),
        "no algorithm": forge({"kid": "RS256"}, claims),
        "a list of algorithms": forge({"alg": ["RS256"], "kid": "RS256"}, claims),
        **{
            f"the public key as a secret {number}": f"Bearer {unsigned}.{encode(signature)}"
            for number, signature in enumerate(confused)
        },
        "another key of the same name": other.sign(claims),
        "a key in the header": other.sign(claims, jwk=other.jwk("RS256"), kid="own"),
        "a key in the header, known name": other.sign(claims, jwk=other.jwk("RS256")),
        "a URL of keys": other.sign(claims, jku="http://127.0.0.1:1/keys"),
        "a certificate": other.sign(claims, x5u="http://127.0.0.1:1/c", x5c=["AAAA"]),
        "the key of another algorithm": signer.sign(claims, "ES256", kid="RS256"),
        "another algorithm of the key": f"{forge({'alg': 'PS256', 'kid': 'RS256'}, claims)}AAAA",
        "extensions": signer.sign(claims, crit=["exp"]),
        "unencoded": signer.sign(claims, b64=False, crit=["b64"]),
        "an id that is no text": forge({"alg": "RS256", "kid": ["RS256"]}, claims, b"x"),
        "an empty id": signer.sign(claims, kid=""),
        "a path as id": signer.sign(claims, kid="../../../../dev/null"),
        "no signature": signer.sign(claims).rpartition(".")[0] + ".",
        "two parts": signer.sign(claims).rpartition(".")[0],
        "four parts": signer.sign(claims) + ".AAAA",
        "encrypted": forge({"alg": "RSA-OAEP", "enc": "A256GCM"}, claims) + ".AA.AA",
        "no JSON": forge(b"\xff\xfe{", claims, b"x"),
        "a header that is no object": forge([1], claims, b"x"),
        "claims that are no object": f"Bearer {encode({'alg': 'RS256', 'kid': 'RS256'})}.{encode([1])}.AAAA",
        "deep": forge(b"[" * 3000, claims, b"x"),
        "a huge number": forge(b'{"alg": "RS256", "n": ' + b"9" * 5000 + b"}", claims, b"x"),
        "dots": "Bearer ..",
        "many dots": "Bearer " + "." * 8000,
        "large": forge({"alg": "RS256", "kid": "RS256"}, {"x": "y" * 9000}, b"x"),
        "a psychic signature": forge({"alg": "ES256", "kid": "ES256"}, claims, bytes(64)),
        "a null byte": forge({"alg": "RS256", "kid": "RS256\x00"}, claims, b"x"),
    }
    for name, token in tokens.items():
        # Metadata beyond 8 KiB or so is refused by gRPC itself.
        assert site.http.infer(token) == "UNAUTHENTICATED", name
        assert "The key or token is not valid" in site.http.text, name
        assert site.grpc.infer(token) in ("UNAUTHENTICATED", "RESOURCE_EXHAUSTED"), name
    assert site.infer(signer.sign(claims)) == "OK"


def test_secrets(serve, tmp_path, signer, claims):
    path = tmp_path / "secrets.json"
    short = {"kty": "oct", "k": encode(b"short"), "kid": "short"}
    path.write_text(json.dumps({"keys": [{"kty": "oct", "k": encode(SECRET.encode())}, short]}))
    site = serve(jwt={"jwks": str(path), "algorithms": ["HS256"], **BASE})
    assert site.infer("Bearer " + jwt.encode(claims, SECRET, "HS256")) == "OK"
    assert site.infer("Bearer " + jwt.encode(claims, SECRET[::-1], "HS256")) == "UNAUTHENTICATED"
    unsigned = f"{encode({'alg': 'HS256', 'kid': 'short'})}.{encode(claims)}"
    signature = hmac.new(b"short", unsigned.encode(), hashlib.sha256).digest()
    assert site.infer(f"Bearer {unsigned}.{encode(signature)}") == "UNAUTHENTICATED"
    assert site.infer(signer.sign(claims)) == "UNAUTHENTICATED"


def test_tokens_without_a_key_id(serve, tmp_path, signer, claims):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [signer.jwk("RS256"), signer.jwk("ES256")]}))
    site = serve(jwt={"jwks": str(path), **BASE})
    assert site.infer(signer.sign(claims, kid=None)) == "OK"
    other = Signer().jwk("RS256", kid="second")
    path.write_text(json.dumps({"keys": [signer.jwk("RS256"), other]}))
    time.sleep(1.1)
    assert site.infer(signer.sign(claims, kid=None)) == "UNAUTHENTICATED"
    assert site.infer(signer.sign(claims)) == "OK"


def test_keys_that_are_for_something_else(serve, tmp_path, signer, claims):
    path = tmp_path / "keys.json"
    keys = [
        signer.jwk("RS256", use="enc"),
        signer.jwk("ES256", key_ops=["sign"]),
        signer.jwk("EdDSA"),
        signer.jwk("RS256", alg="PS512", kid="other"),
    ]
    path.write_text(json.dumps({"keys": keys}))
    site = serve(jwt={"jwks": str(path), **BASE})
    assert site.infer(signer.sign(claims, "EdDSA")) == "OK"
    assert site.infer(signer.sign(claims)) == "UNAUTHENTICATED"
    assert site.infer(signer.sign(claims, kid="other")) == "UNAUTHENTICATED"
    assert site.infer(signer.sign(claims, "ES256")) == "UNAUTHENTICATED"


def test_scopes_by_other_names(serve, jwks_file, signer, claims):
    site = serve(
        jwt={
            "jwks": str(jwks_file),
            "scope_claim": "realm_access.roles",
            "scope_names": {"infer": ["urn:models.call"], "manage": ["admin", "root"], "train": ["admin"]},
            "granted": ["read"],
        }
    )
    claims.pop("scope")
    nobody = signer.sign(claims)
    caller = signer.sign({**claims, "realm_access": {"roles": ["urn:models.call", "infer"]}})
    admin = signer.sign({**claims, "realm_access.roles": "admin"})
    assert [site.infer(token) for token in (nobody, caller, admin)] == [
        "PERMISSION_DENIED",
        "OK",
        "PERMISSION_DENIED",
    ]
    assert site.both("manage", admin) == "NOT_FOUND"
    assert site.both("read", nobody) == "OK"


def test_new_keys_in_the_file(serve, jwks_file, signer, claims, wait_until, caplog):
    site = serve(jwt={"jwks": str(jwks_file), **BASE})
    other = Signer()
    old, new = signer.sign(claims), other.sign(claims, kid="new")
    assert (site.infer(old), site.infer(new)) == ("OK", "UNAUTHENTICATED")
    jwks_file.write_text("half wri")
    wait_until(lambda: site.http.infer(new) == "UNAUTHENTICATED" and "cannot be used" in caplog.text)
    assert site.infer(old) == "OK"
    assert caplog.text.count("cannot be used") == 1
    jwks_file.write_text(json.dumps({"keys": [other.jwk("RS256", kid="new")]}))
    wait_until(lambda: site.http.infer(new) == "OK")
    assert (site.infer(old), site.infer(new)) == ("UNAUTHENTICATED", "OK")


def test_keys_and_tokens_together(serve, jwks_file, signer, claims):
    key = "a.b.c-looks-like-a-token"
    site = serve(
        jwt={"jwks": str(jwks_file), **BASE}, clients={"app": {"key": key, "scopes": ["infer", "read"]}}
    )
    assert site.infer(f"Bearer {key}") == "OK"
    assert site.infer(signer.sign(claims)) == "OK"


def test_the_log_has_no_tokens(serve, jwks_file, signer, claims, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        site = serve(jwt={"jwks": str(jwks_file), **BASE})
        tokens = [
            signer.sign(claims),
            signer.sign({**claims, "exp": 1}),
            signer.sign({**claims, "aud": "hidden-audience"}),
            signer.sign(claims, kid="hidden-key-id"),
            Signer().sign(claims),
        ]
        for token in tokens:
            site.infer(token)
            site.both("manage", token)
    text = caplog.text + "".join(capfd.readouterr())
    assert "Refused a call" in text
    for token in tokens:
        for part in token.removeprefix("Bearer ").split("."):
            assert part not in text
    assert "hidden" not in text
