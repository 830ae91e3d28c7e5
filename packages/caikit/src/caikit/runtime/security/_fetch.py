"""Gets a small document from a URL: no redirects, no proxies for this machine, everything bounded."""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

FETCH_SECONDS = 5.0

_MOST_BYTES = 1 << 20
_CHUNK = 1 << 16
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def fetch(url: str, ca: str | None) -> bytes:
    """The document; raises OSError or ValueError."""
    deadline = time.monotonic() + FETCH_SECONDS
    request = urllib.request.Request(url, headers={"accept": "application/json"})  # noqa: S310 - https, checked before
    try:
        with _opener(url, ca).open(request, timeout=FETCH_SECONDS) as response:
            return _read(response, deadline)
    except urllib.error.HTTPError as error:
        error.close()
        raise ValueError(f"expected status 200, got {error.code}") from None
    except http.client.HTTPException as error:
        raise ValueError(f"expected an HTTP answer, got {type(error).__name__}") from None


def shown(url: str) -> str:
    """A URL without what may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _opener(url: str, ca: str | None) -> urllib.request.OpenerDirector:
    context = ssl.create_default_context(cafile=ca)
    handlers: list[urllib.request.BaseHandler] = [
        _NoRedirects(),
        urllib.request.HTTPSHandler(context=context),
    ]
    if urlsplit(url).hostname in _LOOPBACK:
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


def _read(response: Any, deadline: float) -> bytes:
    if response.status != http.HTTPStatus.OK:
        raise ValueError(f"expected status 200, got {response.status}")
    content = b""
    while chunk := response.read1(_CHUNK):
        content += chunk
        if len(content) > _MOST_BYTES:
            raise ValueError(f"expected at most {_MOST_BYTES} bytes, found more")
        if time.monotonic() > deadline:
            raise TimeoutError(f"not complete after {FETCH_SECONDS:g} seconds")
    return content


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Keys come from where the configuration says, and from nowhere else."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None
