"""Static keys; only their hashes are kept."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from functools import partial

import alog

from caikit.runtime.utils.watched_files import MadeFromFiles, read_limited

from ._bearer import LONGEST_TOKEN, is_token
from ._scopes import Grant
from ._settings import SECTION, ClientSettings

log = alog.use_channel("SECURITY")

_SHORTEST_KEY = 16
_HASHED = re.compile("sha256:([0-9a-fA-F]{64})")

_Digests = tuple[bytes, ...]


class StaticKeys:
    """The keys of the clients that the configuration names."""

    def __init__(self, clients: Iterable[ClientSettings]) -> None:
        fixed: list[tuple[bytes, Grant]] = []
        self._files: list[tuple[MadeFromFiles[_Digests], Grant]] = []
        for client in clients:
            grant = Grant(client.name, client.scopes)
            where = f"{SECTION}.clients.{client.name}"
            if client.key is not None:
                fixed.append((_digest(client.key, where), grant))
            elif client.key_file is not None:
                self._files.append((_watch(client.key_file, where), grant))
        self._fixed = tuple(fixed)
        self._check_distinct()

    def find(self, token: str) -> Grant | None:
        """Whose key this is. Takes as long for a wrong one as for any right one."""
        digest = hashlib.sha256(token.encode()).digest()
        found = None
        for known, grant in self._fixed:
            if hmac.compare_digest(known, digest):
                found = grant
        for file, grant in self._files:
            for known in file.get():
                if hmac.compare_digest(known, digest):
                    found = grant
        return found

    def _check_distinct(self) -> None:
        owners: dict[bytes, str] = {}
        everyone = [*self._fixed, *((known, grant) for file, grant in self._files for known in file.get())]
        for known, grant in everyone:
            other = owners.setdefault(known, grant.name)
            if other != grant.name:
                raise ValueError(f"{SECTION}.clients: {other} and {grant.name} have the same key")


def _watch(path: str, where: str) -> MadeFromFiles[_Digests]:
    try:
        read_limited(path)
    except OSError as error:
        raise ValueError(f"{where}.file: {error}") from error
    return MadeFromFiles(
        [path],
        partial(_read_keys, path, where),
        on_change=lambda: log.info("<RUN61240001I>", "Read the keys of %s again", where),
        on_failure=lambda error: log.error(
            "<RUN61240002E>", "The new keys cannot be used, those in use stay: %s", error
        ),
    )


def _read_keys(path: str, where: str) -> _Digests:
    """The keys in a file, one a line; none when the file is gone, which revokes them."""
    try:
        content = read_limited(path)
    except FileNotFoundError:
        return ()
    try:
        lines = [line.strip() for line in content.decode().splitlines()]
    except UnicodeDecodeError:
        raise ValueError(f"{where}.file: expected text, found other bytes") from None
    return tuple(_digest(line, f"{where}.file") for line in lines if line and not line.startswith("#"))


def _digest(text: str, where: str) -> bytes:
    hashed = _HASHED.fullmatch(text)
    if hashed:
        return bytes.fromhex(hashed[1])
    if not _SHORTEST_KEY <= len(text) <= LONGEST_TOKEN or not is_token(text):
        raise ValueError(
            f"{where}: expected a key of {_SHORTEST_KEY} or more characters among A-Z a-z 0-9 . _ ~ + / - =, "
            "or sha256: and 64 hexadecimal digits"
        )
    return hashlib.sha256(text.encode()).digest()
