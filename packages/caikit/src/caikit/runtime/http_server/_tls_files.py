"""TLS of uvicorn, which reads keys from files only, and only once."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.config import create_ssl_context

from caikit.runtime._serving.tls import TlsMaterial, TlsSource, written


@contextlib.contextmanager
def tls_settings(tls: TlsSource | None) -> Iterator[dict[str, Any]]:
    """The settings; the files that they name exist only inside of the `with` statement."""
    if tls is None:
        yield {}
        return
    with written(tls.read()) as paths:
        settings: dict[str, Any] = {"ssl_keyfile": paths.key, "ssl_certfile": paths.cert}
        if paths.client_ca is not None:
            settings["ssl_ca_certs"] = paths.client_ca
            settings["ssl_cert_reqs"] = ssl.CERT_REQUIRED
        yield settings


def renew_tls(config: uvicorn.Config, tls: TlsSource) -> None:
    """Let new connections use the newest files. The settings must have been loaded."""

    def make(material: TlsMaterial) -> ssl.SSLContext:
        with written(material) as paths:
            return create_ssl_context(
                certfile=paths.cert,
                keyfile=paths.key,
                # Without a password, an encrypted key would ask for one at the terminal.
                password=config.ssl_keyfile_password or " ",
                ssl_version=config.ssl_version,
                cert_reqs=config.ssl_cert_reqs,
                ca_certs=paths.client_ca or config.ssl_ca_certs,
                ciphers=config.ssl_ciphers,
            )

    config.ssl = _NewestContext.of(tls.watch(make, "HTTP").get)


class _NewestContext(ssl.SSLContext):
    """Stands for the context that is the newest when a connection begins."""

    _newest: Callable[[], ssl.SSLContext]

    @classmethod
    def of(cls, newest: Callable[[], ssl.SSLContext]) -> _NewestContext:
        context = cls(ssl.PROTOCOL_TLS_SERVER)
        context._newest = newest
        return context

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        return self._newest().wrap_bio(*args, **kwargs)
