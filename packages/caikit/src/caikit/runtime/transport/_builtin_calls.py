"""Counts the calls that transports answer by themselves: those of health and reflection."""

from __future__ import annotations

from collections.abc import Callable

from caikit.runtime.engine import Shape, Status

Ended = Callable[[Status, int, int], object]
"""Told once, when a call has ended: its status, and how many messages were received and sent."""
CountBuiltin = Callable[[str, Shape], Ended]
"""Told of the path and the shape of a call that begins."""


def uncounted(path: str, shape: Shape) -> Ended:
    return lambda status, received, sent: None


class BuiltinCall:
    """One such call."""

    __slots__ = ("_ended", "received", "sent")

    def __init__(self, count: CountBuiltin, path: str, shape: Shape) -> None:
        self.received = self.sent = 0
        self._ended: Ended | None = count(path, shape)

    def end(self, status: Status) -> None:
        """What comes after the first end changes nothing."""
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(status, self.received, self.sent)
