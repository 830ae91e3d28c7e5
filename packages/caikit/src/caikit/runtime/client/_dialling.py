"""Connections of their own, for calls that send while they receive; everything as the session has it."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from caikit.runtime.trace._outgoing import outgoing_pairs

from ._connections import Connection
from ._deadline import Deadline
from ._errors import from_failed_connection, from_timeout
from ._http_calls import HttpCall, Patience, next_try
from ._wire import Wire

if TYPE_CHECKING:
    import requests

T = TypeVar("T")

_TLS_KEY = "tls"
# What a session says about connections that are its own.
_OWN_HEADERS = {"accept-encoding", "connection"}


def dial(connection: Connection, call: HttpCall, patience: Patience) -> Wire:
    """A new connection to the server; tries again, as often as it may, where none comes about."""
    retry = patience.retry
    while True:
        try:
            return _connect(connection, call.target, patience.deadline)
        except (OSError, UnicodeError, ValueError) as problem:
            if isinstance(problem, TimeoutError) or patience.deadline.passed:
                raise from_timeout(call.target, patience.deadline.seconds) from problem
            left, pause = None, 0.0
            if isinstance(problem, OSError) and not isinstance(problem, ssl.SSLError):
                left, pause = next_try(retry, call, None, problem)
            if left is None or not patience.deadline.allows(pause):
                raise from_failed_connection(call.target, problem) from problem
            retry = left
        time.sleep(pause)


def headers_of(connection: Connection, call: HttpCall) -> dict[str, str]:
    """The headers of a call, the session's among them."""
    own = {name.lower(): _text(value) for name, value in connection.resource.headers.items()}
    kept = {name: value for name, value in own.items() if name not in _OWN_HEADERS}
    return {**kept, **dict(outgoing_pairs()), **call.headers}


def host_of(target: str) -> str:
    return urlsplit(target).netloc


def _connect(connection: Connection, target: str, deadline: Deadline) -> Wire:
    session: requests.Session = connection.resource
    settings = session.merge_environment_settings(target, {}, True, session.verify, session.cert)
    parts = urlsplit(target)
    host, port = parts.hostname or "", parts.port or 80
    context = None
    if parts.scheme == "https":
        context = _remembered(connection, lambda: _tls_context(settings["verify"], settings["cert"]))
    connected = _reach(host, port, _proxy_of(target, settings["proxies"]), deadline)
    try:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Wire(connected, deadline, context, host)
    except BaseException:
        connected.close()
        raise


def _reach(host: str, port: int, proxy: str | None, deadline: Deadline) -> socket.socket:
    if proxy is None:
        return socket.create_connection((host, port), deadline.remaining())
    from requests.utils import get_auth_from_url

    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"expected a proxy of type http for streams, got {parts.scheme}")
    tunnel = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=deadline.remaining())
    name, password = get_auth_from_url(parts.geturl())
    secret = base64.b64encode(f"{name}:{password}".encode()).decode()
    tunnel.set_tunnel(host, port, {"Proxy-Authorization": f"Basic {secret}"} if name else None)
    tunnel.connect()
    connected: socket.socket = tunnel.sock
    return connected


def _proxy_of(target: str, proxies: Any) -> str | None:
    from requests.utils import select_proxy

    proxy: str | None = select_proxy(target, proxies)
    return proxy or None


def _remembered(connection: Connection, make: Callable[[], T]) -> T:
    if _TLS_KEY not in connection.calls:
        connection.calls[_TLS_KEY] = make()
    made: T = connection.calls[_TLS_KEY]
    return made


def _tls_context(verify: bool | str, cert: str | tuple[str, str] | None) -> ssl.SSLContext:
    from requests.utils import DEFAULT_CA_BUNDLE_PATH
    from urllib3.util.ssl_ import create_urllib3_context

    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
    if verify is True:
        context.load_default_certs()
        context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    elif verify and os.path.isdir(verify):
        context.load_verify_locations(capath=verify)
    elif verify:
        context.load_verify_locations(verify)
    if cert:
        context.load_cert_chain(*((cert,) if isinstance(cert, str) else cert))
    return context


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
