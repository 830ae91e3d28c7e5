"""What stands before an operation and decides who may call it.

```
RequestError
├── AccessRefusedError   the caller is not known, or may not do this
└── UndecidedError       not known yet; decided a moment later
```
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from .errors import Reason, RequestError
from .status import Status

# How long a transport waits for a decision, in seconds.
DECISION_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Peer:
    """What the connection says about the caller."""

    names: tuple[str, ...] = ()
    """The names in the client's certificate, which was verified."""
    unix_socket: bool = False


class Guard(Protocol):
    """Decides before the message of a request is read. Never blocks and never raises."""

    def refusal(self, authorization: Sequence[str], find_peer: Callable[[], Peer]) -> RequestError | None:
        """Why a request is refused, or None.

        `authorization` has all values of that header or metadata.
        """


class AccessRefusedError(RequestError):
    """Raised when the caller is not known, or may not do this; `challenge` is for `WWW-Authenticate`."""

    def __init__(self, status: Status, message: str, challenge: str) -> None:
        super().__init__(status, message, reason=Reason.ACCESS)
        self.challenge = challenge


class UndecidedError(RequestError):
    """Raised when the guard can only tell after `settled` is done; a transport that does not wait refuses."""

    def __init__(self, message: str, settled: Future[None]) -> None:
        super().__init__(Status.UNAVAILABLE, message, reason=Reason.ACCESS)
        self.settled = settled
