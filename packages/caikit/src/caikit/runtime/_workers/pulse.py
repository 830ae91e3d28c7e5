"""What a worker tells without being asked: that it lives, and what it has counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import alog

from .metrics import snapshot
from .team import Team

if TYPE_CHECKING:
    from caikit.runtime.server_base import RuntimeServerBase

log = alog.use_channel("WORKERS")

_BEATS_PER_PATIENCE = 5
# Event loops that are fine are seen to turn more often than that.
_LEAST_STUCK_SECONDS = 1.0
_REPORT_SECONDS = 2.0
# Of the time of one processor, however many figures there are.
_MOST_REPORTING = 0.02


class Pulse:
    """Signs of life, as long as the event loops of the servers turn; no thread runs while something holds Python."""

    def __init__(
        self,
        team: Team,
        servers: Callable[[], Sequence[RuntimeServerBase]],
        *,
        patience: float | None,
        reports: bool,
    ) -> None:
        self._team = team
        self._servers = servers
        self._patience = patience
        self._reports = reports

    def start(self) -> None:
        if self._patience is not None:
            threading.Thread(
                target=self._beat, args=(self._patience,), name="caikit_pulse", daemon=True
            ).start()
        if self._reports:
            threading.Thread(target=self._report, name="caikit_reports", daemon=True).start()

    def _beat(self, patience: float) -> None:
        pause = patience / _BEATS_PER_PATIENCE
        stuck = max(pause, _LEAST_STUCK_SECONDS)
        complained = False
        while True:
            if not any(server.is_stuck(stuck) for server in self._servers()):
                self._team.tell("beat")
                complained = False
            elif not complained:
                complained = True
                log.warning("<RUN61240114W>", "An event loop has not turned for %.1f seconds", stuck)
            time.sleep(pause)

    def _report(self) -> None:
        """What a worker that is killed has counted since the last report is lost."""
        while True:
            began = time.thread_time()
            try:
                self._team.tell("samples", families=snapshot())
            except Exception as error:
                log.debug("<RUN61240115D>", "The figures could not be read: %r", error)
            time.sleep(max(_REPORT_SECONDS, (time.thread_time() - began) / _MOST_REPORTING))
