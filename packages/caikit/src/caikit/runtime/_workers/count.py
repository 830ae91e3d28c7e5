"""How many processes serve, and how long each of them may be silent."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import Any

KEY = "runtime.workers"
PATIENCE_KEY = "runtime.worker_silence_seconds"
DEFAULT_PATIENCE = 60.0

_CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")


def count_workers(config: Any) -> int:
    """The configured number of worker processes; 0 and null stand for one per core that this process may use.

    ValueError for anything that is no number of processes, and for more than one where they cannot share ports.
    """
    wanted = config.runtime.get("workers", 1)
    if wanted is None:
        wanted = 0
    if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 0:
        raise ValueError(f"{KEY}: expected a number of processes, or 0 for one per core, got {wanted!r}")
    workers = wanted or count_cores()
    if workers > 1 and sys.platform != "linux":
        if wanted == 0:
            return 1
        raise ValueError(f"{KEY}: more than one process needs Linux, where processes can share a port")
    return workers


def find_patience(config: Any) -> float | None:
    """How long a worker may give no sign of life; None for any time."""
    wanted = config.runtime.get("worker_silence_seconds", DEFAULT_PATIENCE)
    if not wanted:
        return None
    if isinstance(wanted, bool) or not isinstance(wanted, int | float) or wanted < 0:
        raise ValueError(f"{PATIENCE_KEY}: expected a number of seconds, got {wanted!r}")
    return float(wanted)


def count_cores() -> int:
    """The cores that this process may use; a limit of the container counts, rounded up."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    try:
        limit, period = _CPU_LIMIT.read_text(encoding="ascii").split()
        return max(1, min(cores, math.ceil(int(limit) / int(period))))
    except (OSError, ValueError):  # no container, or one without a limit
        return cores
