"""Counts successful inference calls by the class of the model, and writes the counts from time to time."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import alog

from caikit.runtime.engine import Kind, Observation, Status

log = alog.use_channel("METERING")

_CLOSE_SECONDS = 2.0


class RPCMeter:
    """Appends one line of JSON to a file of its own for every interval in which models were used.

    A line has the keys `timestamp` (seconds since 1970), `batch_size` (calls since the line before),
    `model_type_counters` (the same by class) and `container_id`, which is part of the name of the file. Counts that
    cannot be written are kept for the next line.
    """

    def __init__(self, log_dir: str, log_interval: float) -> None:
        """Raises ValueError for an interval (in seconds) that is not above zero."""
        if not log_interval > 0:
            raise ValueError(f"expected seconds above 0, got {log_interval!r}")
        self._interval = log_interval
        self._container_id = str(uuid.uuid4()).replace("-", "_")
        self.path = Path(log_dir) / f"predict_rpc_metrics_{self._container_id}.json"
        self._counts: Counter[type] = Counter()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Write from now on; raises OSError when the directory cannot be made."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._thread = threading.Thread(target=self._write_periodically, name="caikit_metering", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what was counted since the last line."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)
        self.flush()

    def started(self, observation: Observation) -> None:
        """Only calls that end well are counted."""

    def finished(self, observation: Observation) -> None:
        served = observation.context.served
        if served and observation.status is Status.OK and observation.operation.kind is Kind.INFERENCE:
            self.count(served.model)

    def count(self, model_class: type) -> None:
        """Another call of a model of this class has succeeded."""
        with self._lock:
            self._counts[model_class] += 1

    def flush(self) -> None:
        """Write a line now, if anything was counted."""
        with self._writing:
            with self._lock:
                counts, self._counts = self._counts, Counter()
            if not counts:
                return
            try:
                self._append(counts)
            except OSError as error:
                log.error("<RUN76773776E>", "Cannot write %s, the counts are kept: %s", self.path, error)
                with self._lock:
                    self._counts.update(counts)

    def _append(self, counts: Counter[type]) -> None:
        by_name: Counter[str] = Counter()
        for model_class, count in counts.items():
            by_name[str(model_class)] += count
        line: dict[str, Any] = {
            "timestamp": time.time(),
            "batch_size": counts.total(),
            "model_type_counters": dict(by_name),
            "container_id": self._container_id,
        }
        _append_whole(self.path, f"{json.dumps(line)}\n".encode())

    def _write_periodically(self) -> None:
        while not self._closed.wait(self._interval):
            self.flush()


def _append_whole(path: Path, line: bytes) -> None:
    """Append all of a line or nothing: a full disk may take a part of it."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        end = os.fstat(file).st_size
        written = os.write(file, line)
        if written < len(line):
            os.ftruncate(file, end)
            raise OSError(f"only {written} of {len(line)} bytes could be written")
    finally:
        os.close(file)
