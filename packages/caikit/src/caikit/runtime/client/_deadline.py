"""The time that a call may take, whatever happens on its way."""

from __future__ import annotations

import time

_NEARLY_NOTHING = 0.001


class Deadline:
    """A moment; no seconds, or 0, is never."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds or None
        self._end = None if self.seconds is None else time.monotonic() + self.seconds

    @property
    def passed(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end

    def remaining(self) -> float | None:
        """Seconds, always more than 0."""
        return None if self._end is None else max(_NEARLY_NOTHING, self._end - time.monotonic())

    def allows(self, seconds: float) -> bool:
        """Whether there is time for more than a pause of this length."""
        remaining = self.remaining()
        return remaining is None or seconds < remaining
