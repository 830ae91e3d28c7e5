"""What the models of all servers answer, so that only the serving differs."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator

BUSY_SECONDS = 0.002
DEVICE_SECONDS = 0.003
NUMBERS = [math.sin(position) for position in range(40_000)]


def scores(text: str) -> list[tuple[str, float]]:
    """The tiny model: next to nothing to do, but the answer tells whose question it was."""
    return [("POSITIVE", 0.75), ("LENGTH", float(len(text)))]


def busy_scores(text: str) -> list[tuple[str, float]]:
    """The same after two milliseconds of work in Python."""
    end = time.thread_time() + BUSY_SECONDS
    while time.thread_time() < end:
        pass
    return scores(text)


def numbers(text: str) -> list[float]:
    """As many as the text says."""
    return NUMBERS[: int(text)]


def tokens(text: str) -> Iterator[str]:
    """As many as the text says, one by one."""
    for position in range(int(text)):
        yield f"token{position:05}"


class Device:
    """Takes 3 ms for a call, however many texts are in it, and serves one call at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def shout(self, texts: list[str]) -> list[str]:
        with self._lock:
            time.sleep(DEVICE_SECONDS)
        return [text.upper() for text in texts]
