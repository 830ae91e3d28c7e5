"""How callers show who they are, in the words of OpenAPI."""

from __future__ import annotations

from caikit.runtime.security import Access, Authoriser, Scope

from ._schemas import Schema


def security_schemes(authoriser: Authoriser) -> dict[str, Schema]:
    """The schemes by name, any of which will do; none when everything is open."""
    if not any(authoriser.access(scope) is Access.TOKEN for scope in Scope):
        return {}
    schemes: dict[str, Schema] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A key, or a signed token (JWT)"}
    }
    if authoriser.knows_certificates:
        schemes["certificate"] = {"type": "mutualTLS", "description": "A client certificate"}
    return schemes
