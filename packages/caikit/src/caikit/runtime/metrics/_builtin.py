"""What is counted about the calls that no operation serves: those of health and reflection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from caikit.runtime.engine import Shape, Status
from caikit.runtime.engine.histogram import Histogram

from ._tally import GRPC_TYPES


class BuiltinTally:
    """Everything that is counted about one method; read it with its lock."""

    def __init__(self, path: str, shape: Shape) -> None:
        _, service, self.handler = path.split("/")
        self.method = (GRPC_TYPES[shape], service, self.handler)
        self.lock = threading.Lock()
        self.created = time.time()
        self.started = self.finished = self.received = self.sent = 0
        self.codes: dict[str, int] = {}
        self.total = Histogram()

    def begin(self) -> None:
        with self.lock:
            self.started += 1

    def end(self, began: float, status: Status, received: int, sent: int) -> None:
        with self.lock:
            self.finished += 1
            self.received += received
            self.sent += sent
            self.codes[status.name] = self.codes.get(status.name, 0) + 1
            self.total.add(time.perf_counter() - began)


class BuiltinMetrics:
    """Counts the calls of all servers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tallies: dict[str, BuiltinTally] = {}

    def begin(self, path: str, shape: Shape) -> Callable[[Status, int, int], None]:
        """A call of this method has come; what is returned takes its status and the numbers of its messages."""
        with self._lock:
            tally = self._tallies.get(path) or self._tallies.setdefault(path, BuiltinTally(path, shape))
        tally.begin()
        return partial(tally.end, time.perf_counter())

    def tallies(self) -> list[BuiltinTally]:
        with self._lock:
            return list(self._tallies.values())
