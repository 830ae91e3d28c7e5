"""Which pages may call this server from elsewhere: what browsers ask, and what they are told."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from caikit.runtime.transport.http_messages import HeaderList

from ._heads import Head

ANY = "*"
_NAMES = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z, -]*")
_LONGEST_NAMES = 4096
_REMEMBERED_SECONDS = b"600"
_ORIGIN = b"access-control-allow-origin"
_VARY = (b"vary", b"origin")


class Origins:
    """The origins of a configuration. Raises ValueError for what is none."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(map(_check, allowed))

    def headers(self, head: Head) -> HeaderList:
        """What lets the page of a request see the answer; empty if it may not, or needs no leave."""
        if not self._allowed:
            return []
        if ANY in self._allowed:
            return [(_ORIGIN, b"*")]
        origin = find_origin(head)
        return [(_ORIGIN, origin.encode()), _VARY] if origin in self._allowed else [_VARY]

    def allow(self, head: Head) -> HeaderList | None:
        """The answer to the question before a call; None for no."""
        given = self.headers(head)
        wanted = ", ".join(head.values(b"access-control-request-headers"))
        if not grants(given) or len(wanted) > _LONGEST_NAMES or not _NAMES.fullmatch(wanted):
            return None
        return [
            *given,
            (b"access-control-allow-methods", b"POST"),
            (b"access-control-allow-headers", wanted.encode()),
            (b"access-control-max-age", _REMEMBERED_SECONDS),
        ]


def asks_for_leave(head: Head) -> bool:
    """A browser asks whether a page may call."""
    return head.request.method == "OPTIONS" and bool(head.values(b"access-control-request-method"))


def grants(headers: HeaderList) -> bool:
    return any(name == _ORIGIN for name, _ in headers)


def find_origin(head: Head) -> str:
    return next(iter(head.values(b"origin")), "")


def _check(origin: str) -> str:
    if origin == ANY:
        return ANY
    try:
        parts = urlsplit(origin.lower())
        bare = f"{parts.scheme}://{parts.netloc}"
        fits = parts.port != 0 and bool(parts.hostname) and parts.path in ("", "/")
    except ValueError:
        fits = False
    if not fits or not parts.scheme or parts.query or parts.fragment or "@" in bare:
        raise ValueError(f"expected an origin such as https://app.example.com, or *, got {origin!r}")
    return bare
