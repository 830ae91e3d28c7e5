"""Calls a function again and again until it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable

import alog

log = alog.use_channel("MODEL-WATCH")


class Watch:
    """A thread that runs `check` every `period` seconds; it ends when `check` returns False."""

    def __init__(self, check: Callable[[], bool], period: float, stop: threading.Event) -> None:
        self._check = check
        self._period = period
        self._stop = stop
        self._thread = threading.Thread(target=self._run, name="caikit_model_watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout: float) -> bool:
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.wait(self._period):
            try:
                if not self._check():
                    return
            except Exception as error:
                log.warning(
                    "<RUN34410982W>", "Looking for new models failed, trying again: %r", error, exc_info=True
                )
