"""Channels and sessions from the settings of a connection; their packages come with `caikit[runtime-client]`."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import alog

from caikit.core.exceptions import error_handler
from caikit.runtime.names import ServiceType, get_service_name, get_service_package_name

if TYPE_CHECKING:
    import grpc
    import requests
    from urllib3.util.retry import Retry

    from caikit.interfaces.common.data_model import ConnectionTlsInfo

__all__ = ["construct_grpc_channel", "construct_requests_session"]

log = alog.use_channel("RMTCLIENT")
error = error_handler.get(log)

_ADAPTER_OPTIONS = ("pool_block", "pool_connections", "pool_maxsize")
READING_OPTIONS = ("max_response_bytes",)
_CONNECTIONS_PER_SESSION = 100
_RETRIED_STATUSES = (502, 503, 504)
_RETRIED_CODES = ("UNAVAILABLE",)
_BACKOFF_SECONDS = 0.1


def construct_grpc_channel(
    target: str,
    options: Mapping[str, Any] | None = None,
    tls: ConnectionTlsInfo | None = None,
    retries: int | None = None,
    retry_options: Mapping[str, Any] | None = None,
) -> grpc.Channel:
    """A channel to a server.

    Args:
        target: `host:port`
        options: channel arguments of gRPC
        tls: keys and certificates; not encrypted without
        retries: how many times a call is sent at most, if the server is not available (gRPC itself: 5); trainings
            are sent once
        retry_options: entries of gRPC's retry policy: `initialBackoff`, `maxBackoff`, `backoffMultiplier`,
            `maxAttempts`, and `retryableStatusCodes`, names with commas in between
    """
    _import_grpc()
    import grpc

    arguments = dict(options or {})
    if (retries or 0) > 1:
        arguments.setdefault("grpc.service_config", _service_config(int(retries or 0), retry_options or {}))
    listed = list(arguments.items())
    if tls is None or not tls.enabled:
        return grpc.insecure_channel(target, options=listed)
    if tls.insecure_verify:
        refuse_unverified_grpc()
    credentials = grpc.ssl_channel_credentials(tls.ca_data, tls.key_data, tls.cert_data)
    return grpc.secure_channel(target, credentials, options=listed)


def construct_requests_session(
    options: Mapping[str, Any] | None = None,
    tls: ConnectionTlsInfo | None = None,
    timeout: float | None = None,
    retries: int | None = None,
    retry_options: Mapping[str, Any] | None = None,
) -> requests.Session:
    """A session for a server, to be used by any number of threads; it keeps no cookies.

    Args:
        options: `pool_connections`, `pool_maxsize` and `pool_block` of the adapter
        tls: keys and certificates; without a CA those of the operating system and of `requests` count
        timeout: seconds that each request may wait, unless it names its own
        retries: how many times a request is sent again when the connection fails or the server answers 502, 503
            or 504
        retry_options: further arguments of `urllib3.Retry`
    """
    _import_requests()
    from http.cookiejar import DefaultCookiePolicy

    import requests

    from ._adapter import PatientAdapter

    given = dict(options or {})
    unknown = sorted(set(given).difference(_ADAPTER_OPTIONS, READING_OPTIONS))
    if unknown:
        log.warning(
            "<COR71524431W>", "Options that HTTP does not know are ignored: %s", ", ".join(map(str, unknown))
        )
    settings: dict[str, Any] = {
        "pool_maxsize": _CONNECTIONS_PER_SESSION,
        **{name: given[name] for name in _ADAPTER_OPTIONS if name in given},
    }
    context: ssl.SSLContext | None = None
    if tls is not None and tls.enabled and not tls.insecure_verify and not tls.ca_file:
        context = ssl.create_default_context()
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.auth = _keep_headers
    # Without retries the errors stay what they are.
    retry = construct_retry(retries, retry_options) if retries else 0
    adapter = PatientAdapter(
        timeout=timeout,
        ssl_context=context,
        max_retries=retry,
        **settings,
    )
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    if tls is not None and tls.enabled:
        _check_files(tls)
        session.verify = False if tls.insecure_verify else tls.ca_file or True
        if tls.mtls_enabled:
            session.cert = (str(tls.cert_file), str(tls.key_file))
    return session


def construct_retry(retries: int, retry_options: Mapping[str, Any] | None = None) -> Retry:
    """What is sent again: anything that met a failing connection, or one of the statuses of an overloaded server."""
    from urllib3.util.retry import Retry

    settings: dict[str, Any] = {
        "total": retries,
        "status_forcelist": _RETRIED_STATUSES,
        "allowed_methods": None,
        "backoff_factor": _BACKOFF_SECONDS,
        "raise_on_status": False,
        "redirect": 0,
        **(retry_options or {}),
    }
    return Retry(**settings)


def refuse_unverified_grpc() -> None:
    error(
        "<COR54113298E>",
        ValueError("GRPC does not support insecure TLS connections. Provide a valid CA or use protocol http"),
    )


def _check_files(tls: ConnectionTlsInfo) -> None:
    """Reading tells which file is missing."""
    _ = tls.ca_data, tls.cert_data, tls.key_data


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stands where `requests` would look into ~/.netrc, whose passwords would replace a token."""
    return request


def _service_config(attempts: int, retry_options: Mapping[str, Any]) -> str:
    policy: dict[str, Any] = {
        "maxAttempts": attempts,
        "initialBackoff": f"{_BACKOFF_SECONDS}s",
        "maxBackoff": "5s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": list(_RETRIED_CODES),
        **retry_options,
    }
    codes = policy["retryableStatusCodes"]
    if isinstance(codes, str):
        policy["retryableStatusCodes"] = [code.strip() for code in codes.split(",")]
    training = f"{get_service_package_name(ServiceType.TRAINING)}.{get_service_name(ServiceType.TRAINING)}"
    return json.dumps(
        {"methodConfig": [{"name": [{"service": training}]}, {"name": [{}], "retryPolicy": policy}]}
    )


def _import_grpc() -> None:
    try:
        import grpc  # noqa: F401 - whether it is there
    except ImportError as problem:
        raise _missing("grpcio") from problem


def _import_requests() -> None:
    try:
        import requests  # noqa: F401 - whether it is there
    except ImportError as problem:
        raise _missing("requests") from problem


def import_wsproto() -> None:
    try:
        import wsproto  # noqa: F401 - whether it is there
    except ImportError as problem:
        raise _missing("wsproto") from problem


def _missing(package: str) -> ImportError:
    return ImportError(f"Remote models need {package}: pip install 'caikit[runtime-client]'")
