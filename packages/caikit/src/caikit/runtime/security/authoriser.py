"""Decides who may call what."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import alog

from caikit.runtime.engine import Operation, RequestError, Status
from caikit.runtime.engine.guard import AccessRefusedError, Guard, Peer

from ._audit import Audit
from ._bearer import read_bearer
from ._errors import ExpiredError, NotValidError
from ._keys import StaticKeys
from ._scopes import Access, Grant, Scope, scope_of
from ._settings import SecuritySettings
from ._tokens import TokenVerifier

__all__ = ["Authoriser"]

log = alog.use_channel("SECURITY")

_CHALLENGE = 'Bearer realm="caikit"'
_UNIX_GRANT = Grant("the unix socket", frozenset(Scope))


class Authoriser:
    """One for all heads of a process. Raises ValueError for settings that cannot be meant."""

    def __init__(self, settings: SecuritySettings | None = None) -> None:
        self._settings = settings or SecuritySettings()
        clients = self._settings.clients
        self._keys = StaticKeys(clients)
        self._certificates = {
            client.certificate: Grant(client.name, client.scopes) for client in clients if client.certificate
        }
        self._tokens = None if self._settings.jwt is None else TokenVerifier(self._settings.jwt)
        self._audit = Audit()

    def access(self, scope: Scope) -> Access:
        return self._settings.access.get(scope, Access.OPEN)

    def serves(self, operation: Operation) -> bool:
        """False for what is closed."""
        return self.access(scope_of(operation)) is not Access.CLOSED

    def guard(self, operation: Operation) -> Guard | None:
        """What stands before an operation; None for what is open."""
        return self.guard_scope(scope_of(operation), operation.name)

    def guard_scope(self, scope: Scope, what: str) -> Guard | None:
        """What stands before something that is no operation; `what` names it in the log."""
        return None if self.access(scope) is Access.OPEN else _ScopeGuard(self, scope, what)

    @property
    def knows_certificates(self) -> bool:
        return bool(self._certificates)

    def close(self) -> None:
        """Fetch no more keys."""
        if self._tokens is not None:
            self._tokens.close()

    def find_refusal(
        self, scope: Scope, what: str, authorization: Sequence[str], find_peer: Callable[[], Peer]
    ) -> RequestError | None:
        """Why somebody may not do something, or None."""
        try:
            grant = self._identify(authorization, find_peer)
        except NotValidError as error:
            self._audit.refused(what, str(error))
            if isinstance(error, ExpiredError):
                return _unknown("The token has expired", "invalid_token")
            return _unknown("The key or token is not valid", "invalid_token")
        except RequestError as error:
            return error
        except Exception:
            log.exception("<RUN61240041E>")
            return RequestError(Status.INTERNAL, "Who calls could not be found out")
        if grant is None:
            self._audit.refused(what, self._missing(find_peer))
            return _unknown("Expected a key or token: authorization: Bearer ...", None)
        if scope not in grant.scopes:
            self._audit.refused(what, f"{grant.name} has no scope {scope.value}")
            return AccessRefusedError(
                Status.PERMISSION_DENIED,
                f"This needs the scope '{scope.value}'",
                f'{_CHALLENGE}, error="insufficient_scope", scope="{scope.value}"',
            )
        self._audit.admitted(what, scope, grant.name)
        return None

    def _missing(self, find_peer: Callable[[], Peer]) -> str:
        names = find_peer().names if self._certificates else ()
        if not names:
            return "no key or token"
        return f"no key or token, and no client has a certificate of {names[0]!r:.100}"

    def _identify(self, authorization: Sequence[str], find_peer: Callable[[], Peer]) -> Grant | None:
        if authorization:
            token = read_bearer(authorization)
            grant = self._keys.find(token)
            if grant is not None:
                return grant
            if self._tokens is None:
                raise NotValidError("an unknown key")
            return self._tokens.verify(token)
        if not self._certificates and not self._settings.trust_unix_socket:
            return None
        peer = find_peer()
        if peer.unix_socket and self._settings.trust_unix_socket:
            return _UNIX_GRANT
        return next((self._certificates[name] for name in peer.names if name in self._certificates), None)


class _ScopeGuard:
    __slots__ = ("_authoriser", "_scope", "_what")

    def __init__(self, authoriser: Authoriser, scope: Scope, what: str) -> None:
        self._authoriser = authoriser
        self._scope = scope
        self._what = what

    def refusal(self, authorization: Sequence[str], find_peer: Callable[[], Peer]) -> RequestError | None:
        return self._authoriser.find_refusal(self._scope, self._what, authorization, find_peer)


def _unknown(message: str, error: str | None) -> AccessRefusedError:
    challenge = _CHALLENGE if error is None else f'{_CHALLENGE}, error="{error}"'
    return AccessRefusedError(Status.UNAUTHENTICATED, message, challenge)
