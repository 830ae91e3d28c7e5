"""A thread that looks after the jobs of a pool as long as some of them wait."""

from __future__ import annotations

import threading
from collections.abc import Callable

# Looks at nothing, after which it sleeps until it is asked again.
_MOST_IDLE = 25
_IDLE_SECONDS = 0.002


class LineWatch:
    """Asleep most of the time; asking one that is awake costs nothing."""

    def __init__(self, look: Callable[[], float | None], *, name: str) -> None:
        """`look` tells after how many seconds it is to be called again; None if there is nothing to look after."""
        self._look = look
        self._name = name
        self._awake = False
        self._closed = False
        self._bell = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def ask(self) -> None:
        """There is something to look after. Called from any thread."""
        if not self._awake:
            self._rouse()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            thread = self._thread
        self._bell.release()
        if thread is not None:
            thread.join()

    def _rouse(self) -> None:
        with self._lock:
            if self._awake or self._closed:
                return
            self._awake = True
            if self._thread is not None:
                self._bell.release()
                return
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            try:
                self._thread.start()
            except RuntimeError:
                # The system has no thread to give; the next job asks again.
                self._thread, self._awake = None, False

    def _run(self) -> None:
        idle = 0
        while not self._closed:
            pause = self._look()
            idle = 0 if pause is not None else idle + 1
            if idle > _MOST_IDLE:
                self._awake = False
                # What came between the look and now has found somebody awake.
                if self._look() is None:
                    self._bell.acquire()
                self._awake, idle = True, 0
            else:
                self._bell.acquire(timeout=pause or _IDLE_SECONDS)
