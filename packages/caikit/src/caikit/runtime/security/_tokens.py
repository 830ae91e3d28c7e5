"""Verifies signed tokens (JWT)."""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import alog

from ._errors import ExpiredError, NotValidError
from ._key_set import KeySet, VerificationKey
from ._key_sources import open_key_source
from ._scopes import Grant, Scope
from ._settings import SECTION, JwtSettings

log = alog.use_channel("SECURITY")

_MOST_REMEMBERED = 8192
_LONGEST_NAME = 100
_LONGEST_KEY_ID = 512


@dataclass(frozen=True, slots=True)
class _Verified:
    grant: Grant
    expires: float
    keys: KeySet


class TokenVerifier:
    """Verifies each token once, and remembers it until it expires or the keys change."""

    def __init__(self, settings: JwtSettings) -> None:
        _check_installed()
        self._settings = settings
        self._keys = open_key_source(settings)
        self._verified: dict[bytes, _Verified] = {}
        self._lock = threading.Lock()
        for name, given in (("issuer", settings.issuer), ("audience", settings.audience)):
            if not given:
                log.warning(
                    "<RUN61240021W>",
                    "%s.jwt.%s is not set: tokens with any %s are accepted",
                    SECTION,
                    name,
                    name,
                )

    def verify(self, token: str) -> Grant:
        """Who has this token.

        Raises NotValidError; RequestError while there are no keys; UndecidedError when the key may come.
        """
        digest = hashlib.sha256(token.encode()).digest()
        keys = self._keys.get()
        known = self._verified.get(digest)
        if known is not None and known.keys is keys and time.time() < known.expires:
            return known.grant
        verified = self._verify(token, keys)
        self._remember(digest, verified)
        return verified.grant

    def close(self) -> None:
        self._keys.close()

    def _verify(self, token: str, keys: KeySet) -> _Verified:
        key_id, algorithm = self._read_header(token)
        candidates = keys.find(key_id, algorithm)
        if not candidates:
            if key_id is not None:
                self._keys.ask()
            raise NotValidError("a token of an unknown key")
        claims = self._read_claims(token, candidates, algorithm)
        expires = claims["exp"]
        if isinstance(expires, bool) or not isinstance(expires, (int, float)) or not math.isfinite(expires):
            raise NotValidError("a token whose end is no number")
        grant = Grant(_name_of(claims), self._scopes_of(claims))
        return _Verified(grant, expires + self._settings.leeway_seconds, keys)

    def _read_header(self, token: str) -> tuple[str | None, str]:
        import jwt

        try:
            header = jwt.get_unverified_header(token)
        except Exception:
            # Nesting that is too deep, for example, is none of its own exceptions.
            raise NotValidError("what is neither a key nor a token") from None
        key_id, algorithm = header.get("kid"), header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in self._settings.algorithms:
            raise NotValidError("a token with an algorithm that is not allowed")
        if "crit" in header or "b64" in header:
            raise NotValidError("a token with extensions that are not understood")
        if key_id is not None and (not isinstance(key_id, str) or len(key_id) > _LONGEST_KEY_ID):
            raise NotValidError("a token whose key id is no short text")
        return key_id, algorithm

    def _read_claims(
        self, token: str, candidates: Iterable[VerificationKey], algorithm: str
    ) -> dict[str, Any]:
        import jwt

        reason = ""
        for candidate in candidates:
            try:
                return jwt.decode(
                    token,
                    candidate.key,
                    algorithms=[algorithm],
                    audience=self._settings.audience or None,
                    issuer=self._settings.issuer,
                    leeway=self._settings.leeway_seconds,
                    options={"require": ["exp"], "verify_aud": bool(self._settings.audience)},
                )
            except jwt.ExpiredSignatureError:
                raise ExpiredError("a token that has expired") from None
            except Exception as error:
                # Its text may repeat what the token says.
                reason = type(error).__name__
        raise NotValidError(f"a token that is not valid: {reason}")

    def _scopes_of(self, claims: Mapping[str, Any]) -> frozenset[Scope]:
        found = self._settings.granted
        for value in _values(_claim(claims, self._settings.scope_claim)):
            found |= self._settings.scope_names.get(value, frozenset())
        return found

    def _remember(self, digest: bytes, verified: _Verified) -> None:
        with self._lock:
            while len(self._verified) >= _MOST_REMEMBERED:
                del self._verified[next(iter(self._verified))]
            self._verified[digest] = verified


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by name, or by the names on the way to it, which dots separate."""
    if not name:
        return None
    if name in claims:
        return claims[name]
    found: Any = claims
    for step in name.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _values(claim: Any) -> list[str]:
    if isinstance(claim, str):
        return claim.split()
    return [value for value in claim if isinstance(value, str)] if isinstance(claim, list) else []


def _name_of(claims: Mapping[str, Any]) -> str:
    """The subject, as it may stand in a log."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        return "(no subject)"
    return "".join(char if char.isprintable() else "?" for char in subject[:_LONGEST_NAME])


def _check_installed() -> None:
    try:
        import cryptography  # noqa: F401 - only whether it is there
        import jwt  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{SECTION}.jwt needs PyJWT and cryptography: pip install 'caikit[runtime-security]'"
        ) from error
