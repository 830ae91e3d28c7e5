"""What a thread that has nothing to do waits for."""

from __future__ import annotations

import os
import threading
from typing import Protocol


class Bell(Protocol):
    """Wakes one thread. If it is rung before that waits, it is not forgotten."""

    def ring(self) -> None: ...

    def wait(self) -> None: ...

    def close(self) -> None: ...


def make_bell() -> Bell:
    try:
        return _EventBell()
    except (AttributeError, OSError):
        # Linux has events, as long as file descriptors are left.
        return _LockBell()


class _EventBell:
    """Who rings gives up Python's lock for that moment, so the woken thread need not be woken a second time."""

    def __init__(self) -> None:
        self._event = os.eventfd(0, os.EFD_CLOEXEC)

    def ring(self) -> None:
        os.eventfd_write(self._event, 1)

    def wait(self) -> None:
        os.eventfd_read(self._event)

    def close(self) -> None:
        os.close(self._event)


class _LockBell:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def ring(self) -> None:
        self._lock.release()

    def wait(self) -> None:
        self._lock.acquire()

    def close(self) -> None:
        """There is nothing to give back."""
