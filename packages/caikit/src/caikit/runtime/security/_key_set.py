"""The keys of a JSON Web Key Set that may verify tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_MOST_KEYS = 200
_LEAST_RSA_BITS = 2048
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA", "Ed448": "EdDSA"}
_SECRETS = {"HS256": 32, "HS384": 48, "HS512": 64}
# What a public key consists of; private parts are not even read.
_PARTS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "oct": ("k",)}


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key with the algorithms that may be used with it, whatever a token says."""

    id: str | None
    algorithms: frozenset[str]
    key: Any


@dataclass(frozen=True, slots=True)
class KeySet:
    keys: tuple[VerificationKey, ...]

    def find(self, key_id: str | None, algorithm: str) -> tuple[VerificationKey, ...]:
        """The keys that may have signed a token; a token without an id has to fit the only key of its algorithm."""
        fitting = tuple(key for key in self.keys if algorithm in key.algorithms)
        if key_id is None:
            return fitting if len(fitting) == 1 else ()
        return tuple(key for key in fitting if key.id == key_id)


def parse_key_set(content: bytes, allowed: frozenset[str]) -> KeySet:
    """The usable keys of a document; raises ValueError when there is none."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError("expected a JSON Web Key Set, found no JSON") from None
    listed = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(listed, list):
        raise ValueError("expected a JSON Web Key Set: an object with a list of keys")
    if len(listed) > _MOST_KEYS:
        raise ValueError(f"expected at most {_MOST_KEYS} keys, found {len(listed)}")
    keys = tuple(_usable(listed, allowed))
    if not keys:
        raise ValueError(f"found no usable key for {', '.join(sorted(allowed))} among {len(listed)}")
    return KeySet(keys)


def _usable(listed: list[Any], allowed: frozenset[str]) -> Iterator[VerificationKey]:
    import jwt

    for given in listed:
        if not isinstance(given, Mapping) or not _may_verify(given):
            continue
        algorithms = _algorithms_of(given) & allowed
        if not algorithms:
            continue
        parts = {part: given.get(part) for part in ("kty", *_PARTS[given["kty"]])}
        try:
            key = jwt.PyJWK(parts, algorithm=min(algorithms)).key
        except Exception:  # noqa: S112 - one bad key is no reason to refuse the others, and must not be shown
            continue
        algorithms = frozenset(name for name in algorithms if _is_strong(key, name))
        if algorithms:
            yield VerificationKey(given.get("kid"), algorithms, key)


def _may_verify(given: Mapping[str, Any]) -> bool:
    uses = given.get("key_ops")
    return (
        given.get("use") in (None, "sig")
        and (uses is None or (isinstance(uses, list) and "verify" in uses))
        and isinstance(given.get("kid"), str | None)
    )


def _algorithms_of(given: Mapping[str, Any]) -> frozenset[str]:
    match given.get("kty"):
        case "RSA":
            possible = frozenset(_RSA)
        case "EC" | "OKP":
            possible = frozenset(name for curve, name in _CURVES.items() if curve == given.get("crv"))
        case "oct":
            possible = frozenset(_SECRETS)
        case _:
            return frozenset()
    stated = given.get("alg")
    return possible if stated is None else frozenset(name for name in possible if name == stated)


def _is_strong(key: Any, algorithm: str) -> bool:
    if algorithm in _SECRETS:
        return len(key) >= _SECRETS[algorithm]
    return algorithm not in _RSA or bool(key.key_size >= _LEAST_RSA_BITS)
