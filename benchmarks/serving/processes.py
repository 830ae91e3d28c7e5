"""What a process and all that it started use."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_SCHEDULED = 2
"""The kind of clock of a process, as clock_getcpuclockid(3) makes them."""


def tree(pid: int) -> list[int]:
    """The process, its children, theirs, and so on."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:
                continue  # it has ended
    return found


def cpu_seconds(pids: list[int]) -> float:
    """In user mode and in the kernel, of all their threads, with the resolution of the scheduler."""
    total = 0.0
    for pid in pids:
        try:
            total += time.clock_gettime(~pid << 3 | _SCHEDULED)
        except OSError:
            continue  # it has ended
    return total


@dataclass(frozen=True)
class Memory:
    """Megabytes. What processes share counts in each of them as resident, and once as proportional."""

    resident: float
    proportional: float

    @classmethod
    def of(cls, pids: list[int]) -> Memory:
        sizes = {"Rss": 0, "Pss": 0}
        for pid in pids:
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
            except OSError:
                continue
            for name, _, size in (line.partition(":") for line in lines):
                if name in sizes:
                    sizes[name] += int(size.split()[0])
        return cls(sizes["Rss"] / 1024, sizes["Pss"] / 1024)


def end(pid: int, seconds: float) -> None:
    """Ask the process to end; what is left of it and its children after some seconds is killed."""
    pids = tree(pid)
    _send(pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while any(map(_runs, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for each in pids:
        if _runs(each):
            _send(each, signal.SIGKILL)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
