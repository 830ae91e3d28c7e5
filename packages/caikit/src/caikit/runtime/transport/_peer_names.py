"""Who a client certificate was made for."""

from __future__ import annotations

from typing import Any


def peer_names(transport: Any) -> tuple[str, ...]:
    """The alternative names in the certificate of a connection's client, or else its common name."""
    ssl_object = transport.get_extra_info("ssl_object")
    # Empty unless it was verified.
    certificate = ssl_object.getpeercert() if ssl_object is not None else None
    if not certificate:
        return ()
    names = tuple(value for _, value in certificate.get("subjectAltName", ()) if isinstance(value, str))
    if names:
        return names
    subject = (pair for part in certificate.get("subject", ()) for pair in part)
    return tuple(value for kind, value in subject if kind == "commonName")
