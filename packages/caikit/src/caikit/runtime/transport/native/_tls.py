"""TLS for native connections."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from typing import Any


class ChangingContext(ssl.SSLContext):
    """Stands for the context that is the newest when a connection begins."""

    _newest: Callable[[], ssl.SSLContext]

    @classmethod
    def of(cls, newest: Callable[[], ssl.SSLContext]) -> ChangingContext:
        context = cls(ssl.PROTOCOL_TLS_SERVER)
        context._newest = newest
        return context

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        return self._newest().wrap_bio(*args, **kwargs)


def make_context(
    cert: str, key: str, authorities: Sequence[str], *, protocols: Sequence[str]
) -> ssl.SSLContext:
    """A context from files. Clients need a certificate if there are authorities for them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # An encrypted key would ask at the terminal for its password.
    context.load_cert_chain(cert, key, password="")
    context.set_alpn_protocols(list(protocols))
    for authority in authorities:
        context.load_verify_locations(cafile=authority)
        context.verify_mode = ssl.CERT_REQUIRED
        # A certificate that is trusted by itself needs no authority above it.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
