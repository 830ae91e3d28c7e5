"""Asks the HTTP server."""

from __future__ import annotations

import http.client
from typing import Any

from ._places import http_place
from ._tls import client_context

# A busy server needs longer than the shortest time that is worth waiting for.
_LONGEST_PATIENCE = 0.5


def http_is_ready(runtime: Any) -> bool:
    """Whether `/health` is answered with 200; short time limits are doubled until half a second is reached."""
    configured = runtime.http.probe_timeout
    timeout = float(configured) if configured else None
    while True:
        try:
            return _says_ok(runtime, timeout)
        except TimeoutError:
            if timeout is None or timeout >= _LONGEST_PATIENCE:
                return False
            timeout *= 2
        except (OSError, http.client.HTTPException):
            return False


def _says_ok(runtime: Any, timeout: float | None) -> bool:
    host, port = http_place(runtime)
    context = client_context(runtime.tls)
    connection = (
        http.client.HTTPConnection(host, port, timeout=timeout)
        if context is None
        else http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
    )
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.client.OK
    finally:
        connection.close()
