"""The places of the workers, and when a place that has become vacant is taken again."""

from __future__ import annotations

import time
from collections.abc import Callable

import alog

from .member import Member, Phase

log = alog.use_channel("WORKERS")

# Seconds before each new attempt; after the last one, a worker that dies soon is the end.
_PAUSES = (0.0, 0.25, 0.5, 1.0, 2.0)
# Whoever has served for so long did not die of what its predecessor died of.
_SOON_SECONDS = 30.0


class Crew:
    most_failures = len(_PAUSES) + 1

    def __init__(self, size: int, start: Callable[[int], Member]) -> None:
        self.size = size
        self.deaths = 0
        self._start = start
        self._members: dict[int, Member] = {}
        self._failures: dict[int, int] = {}
        self._due: dict[int, float] = {}

    @property
    def members(self) -> list[Member]:
        return list(self._members.values())

    def start_all(self) -> None:
        for number in range(1, self.size + 1):
            self._members[number] = self._start(number)

    def bury(self, member: Member, *, replace: bool) -> None:
        """Remove one that has ended; `replace` sets the time when another one is started, unless there is no hope."""
        number = member.number
        del self._members[number]
        left_on_its_own = member.phase is Phase.LEAVING
        if not left_on_its_own:
            self.deaths += 1
        if not replace:
            return
        if left_on_its_own or member.seconds_served >= _SOON_SECONDS:
            self._failures[number] = 0
        self._schedule(number)

    def seconds_to_start(self, number: int) -> float | None:
        """None when nobody will take the place any more."""
        due = self._due.get(number)
        return None if due is None else max(0.0, due - time.monotonic())

    def next_start(self) -> float | None:
        return min(self._due.values(), default=None)

    def start_due(self, now: float) -> None:
        for number, due in list(self._due.items()):
            if due <= now:
                del self._due[number]
                try:
                    self._members[number] = self._start(number)
                except OSError as error:
                    log.error("<RUN61240107E>", "Worker %d cannot be started: %s", number, error)
                    self._schedule(number)
                    if number not in self._due:
                        raise

    def _schedule(self, number: int) -> None:
        failures = self._failures.get(number, 0)
        if failures < len(_PAUSES):
            self._due[number] = time.monotonic() + _PAUSES[failures]
        self._failures[number] = failures + 1
