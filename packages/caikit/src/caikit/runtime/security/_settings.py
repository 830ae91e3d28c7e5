"""The section `runtime.security` of the configuration, read once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ._scopes import Access, Scope, parse_scopes

SECTION = "runtime.security"

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512"),
)
_USUAL_ALGORITHMS = ("RS256", "ES256", "EdDSA")
_SOURCES = ("key", "env", "file", "certificate")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """A caller that the configuration names."""

    name: str
    scopes: frozenset[Scope]
    key: str | None = field(default=None, repr=False)
    """A key, or `sha256:` and its hash."""
    key_file: str | None = None
    certificate: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtSettings:
    """How tokens are verified."""

    jwks: str
    """Path or URL of the keys."""
    ca: str | None
    algorithms: tuple[str, ...]
    issuer: str | None
    audience: tuple[str, ...]
    leeway_seconds: float
    refresh_seconds: float
    scope_claim: str
    scope_names: Mapping[str, frozenset[Scope]]
    """What a value of the claim allows."""
    granted: frozenset[Scope]
    """What every valid token allows."""

    @property
    def from_url(self) -> bool:
        return "://" in self.jwks


@dataclass(frozen=True, slots=True)
class SecuritySettings:
    """Without settings, everything is open."""

    access: Mapping[Scope, Access] = field(default_factory=dict)
    clients: tuple[ClientSettings, ...] = ()
    trust_unix_socket: bool = False
    jwt: JwtSettings | None = None

    @classmethod
    def from_config(cls, config: Any) -> SecuritySettings:
        """Raises ValueError for what cannot be meant, naming the key but no secret."""
        section = config.runtime.get("security") or {}
        if not isinstance(section, Mapping):
            raise ValueError(f"{SECTION}: expected a mapping, got {type(section).__name__}")
        if not _is_true(section.get("enabled", False), f"{SECTION}.enabled"):
            return cls()
        jwt = _mapping(section, "jwt")
        settings = cls(
            access=_read_access(_mapping(section, "access")),
            clients=tuple(_read_client(name, entry) for name, entry in _mapping(section, "clients").items()),
            trust_unix_socket=_is_true(
                section.get("trust_unix_socket", False), f"{SECTION}.trust_unix_socket"
            ),
            jwt=_read_jwt(jwt) if jwt.get("jwks") else None,
        )
        settings._check()
        return settings

    def _check(self) -> None:
        asks = [scope.value for scope, access in self.access.items() if access is Access.TOKEN]
        if asks and not self.clients and self.jwt is None:
            raise ValueError(
                f"{SECTION}: nobody could make requests for {', '.join(asks)}: "
                f"{SECTION}.clients and {SECTION}.jwt.jwks are empty"
            )


def _read_access(access: Mapping[str, Any]) -> dict[Scope, Access]:
    names = {scope.value: scope for scope in Scope}
    unknown = sorted(set(map(str, access)) - set(names))
    if unknown:
        raise ValueError(f"{SECTION}.access: expected the keys {', '.join(names)}, got {', '.join(unknown)}")
    choices = [choice.value for choice in Access]
    found = {}
    for name, scope in names.items():
        value = access.get(name) or Access.TOKEN.value
        if value not in choices:
            raise ValueError(f"{SECTION}.access.{name}: expected one of {', '.join(choices)}, got {value!r}")
        found[scope] = Access(value)
    return found


def _read_client(name: Any, entry: Any) -> ClientSettings:
    where = f"{SECTION}.clients.{name}"
    if not isinstance(entry, Mapping):
        raise ValueError(f"{where}: expected a mapping, got {type(entry).__name__}")
    unknown = sorted(set(map(str, entry)) - {*_SOURCES, "scopes"})
    given = [source for source in _SOURCES if entry.get(source)]
    if unknown or len(given) != 1:
        raise ValueError(
            f"{where}: expected scopes and one of {', '.join(_SOURCES)}, got {', '.join(map(str, entry))}"
        )
    scopes = parse_scopes(_texts(entry.get("scopes"), f"{where}.scopes"), f"{where}.scopes")
    if not scopes:
        raise ValueError(f"{where}.scopes: expected at least one scope")
    source = given[0]
    value = _text(entry[source], f"{where}.{source}")
    match source:
        case "key":
            return ClientSettings(str(name), scopes, key=value)
        case "env":
            return ClientSettings(str(name), scopes, key=_from_environment(value, where))
        case "file":
            return ClientSettings(str(name), scopes, key_file=value)
        case _:
            return ClientSettings(str(name), scopes, certificate=value)


def _from_environment(variable: str, where: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ValueError(f"{where}.env: expected a key in the environment variable {variable}, found none")
    return value


def _read_jwt(jwt: Mapping[str, Any]) -> JwtSettings:
    where = f"{SECTION}.jwt"
    settings = JwtSettings(
        jwks=_text(jwt["jwks"], f"{where}.jwks"),
        ca=_optional_text(jwt.get("ca"), f"{where}.ca"),
        algorithms=tuple(_texts(jwt.get("algorithms"), f"{where}.algorithms")) or _USUAL_ALGORITHMS,
        issuer=_optional_text(jwt.get("issuer"), f"{where}.issuer"),
        audience=tuple(_texts(jwt.get("audience"), f"{where}.audience")),
        leeway_seconds=_seconds(jwt.get("leeway_seconds", 0), f"{where}.leeway_seconds", least=0),
        refresh_seconds=_seconds(jwt.get("refresh_seconds", 300), f"{where}.refresh_seconds", least=1),
        scope_claim=_optional_text(jwt.get("scope_claim"), f"{where}.scope_claim") or "",
        scope_names=_read_scope_names(_mapping(jwt, "scope_names", where), f"{where}.scope_names"),
        granted=parse_scopes(_texts(jwt.get("granted"), f"{where}.granted"), f"{where}.granted"),
    )
    _check_algorithms(settings, where)
    _check_url(settings, where)
    return settings


def _read_scope_names(names: Mapping[str, Any], where: str) -> dict[str, frozenset[Scope]]:
    """By value of the claim; without settings each scope has its own name."""
    found: dict[str, frozenset[Scope]] = {}
    for key, values in (names or {scope.value: scope.value for scope in Scope}).items():
        scopes = parse_scopes([str(key)], where)
        for value in _texts(values, f"{where}.{key}"):
            found[value] = found.get(value, frozenset()) | scopes
    return found


def _check_algorithms(settings: JwtSettings, where: str) -> None:
    unknown = [name for name in settings.algorithms if name not in ALGORITHMS]
    if unknown:
        got = ", ".join(map(repr, unknown))
        raise ValueError(f"{where}.algorithms: expected some of {', '.join(ALGORITHMS)}, got {got}")
    secret = [name for name in settings.algorithms if name.startswith("HS")]
    if secret and settings.from_url:
        raise ValueError(
            f"{where}.algorithms: {', '.join(secret)} needs a file in {where}.jwks: "
            "a secret that a URL shows is none"
        )


def _check_url(settings: JwtSettings, where: str) -> None:
    if not settings.from_url:
        return
    url = urlsplit(settings.jwks)
    secure = url.scheme == "https" or (url.scheme == "http" and url.hostname in _LOOPBACK)
    if not secure or not url.hostname or url.username is not None or url.password is not None:
        raise ValueError(
            f"{where}.jwks: expected a path, an https URL without a password, or an http URL of this machine"
        )


def _mapping(section: Mapping[str, Any], key: str, where: str = SECTION) -> Mapping[str, Any]:
    value = section.get(key) or {}
    if not isinstance(value, Mapping):
        raise ValueError(f"{where}.{key}: expected a mapping, got {type(value).__name__}")
    return value


def _texts(value: Any, where: str) -> list[str]:
    """A list of texts, or one that commas separate."""
    if value is None:
        return []
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        raise ValueError(f"{where}: expected a list, got {type(value).__name__}")
    return [_text(item, where) for item in value]


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{where}: expected text, got {type(value).__name__}")
    return value


def _optional_text(value: Any, where: str) -> str | None:
    return None if value is None or value == "" else _text(value, where)


def _seconds(value: Any, where: str, *, least: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value < float("inf"):
        raise ValueError(f"{where}: expected at least {least:g} seconds, got {value!r}")
    return float(value)


def _is_true(value: Any, where: str) -> bool:
    """Anything but a clear no must not turn the guard off, so anything unclear is an error."""
    if value is None:
        return False
    if not isinstance(value, bool):
        raise ValueError(f"{where}: expected true or false, got {type(value).__name__}")
    return value
