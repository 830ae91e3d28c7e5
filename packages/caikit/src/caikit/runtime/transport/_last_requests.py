"""The clients of a server that stops: none is cut off whose request is on its way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

LOOK_SECONDS = 0.01
# Idle connections are closed after so many looks, which take longer on a busy machine, as clients do.
_LOOKS = 25
# Who has just connected is about to ask something, and could not know that it may be repeated.
_FRESH_SECONDS = 2.0
_FRESH_LOOKS = 100


class Guest(Protocol):
    """A connection, as the end of its server sees it."""

    @property
    def is_idle(self) -> bool:
        """It waits for a request, or for the rest of the head of one."""

    @property
    def age(self) -> float:
        """Seconds, if it was never used; else infinite."""

    def close_idle(self) -> None:
        """Close it; a request that has begun to come is refused."""


class LastRequests:
    """Lets connections that are idle go when they have had time for another request.

    TCP knows no way to close a connection that keeps a request from being sent at that moment, and its client
    would not know what has become of it; an answer that says that it is the last one avoids that.
    """

    def __init__(self) -> None:
        self._looks: dict[Guest, int] = {}
        """How often each was seen idle in a row."""

    def look(self, guests: Iterable[Guest]) -> bool:
        """Called every `LOOK_SECONDS`; tells whether some are idle still."""
        self._looks = {guest: self._looks.get(guest, 0) + 1 for guest in guests if guest.is_idle}
        for guest, looks in self._looks.items():
            if looks >= (_FRESH_LOOKS if guest.age < _FRESH_SECONDS else _LOOKS):
                guest.close_idle()
        return bool(self._looks)
