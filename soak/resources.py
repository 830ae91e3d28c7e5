"""What a server process holds: threads, files, memory, objects, requests."""

from __future__ import annotations

import re
import urllib.request
from dataclasses import astuple, dataclass, fields
from pathlib import Path

_PROC = Path("/proc")
_IN_PROGRESS = re.compile(r"^rpc_in_progress_gauge\{.*\} (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Resources:
    threads: int
    files: int
    megabytes: float
    objects: int
    temporary_files: int
    requests: int
    """Those that the server says it works on."""
    children: int

    @property
    def other_files(self) -> int:
        """Without one for each thread, which a worker that waits has."""
        return self.files - self.threads

    def grown_to(self, other: Resources) -> str:
        """Both, for people."""
        pairs = zip(fields(self), astuple(self), astuple(other), strict=True)
        return ", ".join(f"{each.name.replace('_', ' ')} {a:g} -> {b:g}" for each, a, b in pairs)


def measure(pid: int, temporary: Path, metrics_port: int, objects: int) -> Resources:
    process = _PROC / str(pid)
    return Resources(
        threads=len(list((process / "task").iterdir())),
        files=len(list((process / "fd").iterdir())),
        megabytes=round(_resident(process) / 1024, 1),
        objects=objects,
        temporary_files=sum(1 for _ in temporary.rglob("*")),
        requests=_in_progress(metrics_port),
        children=len(children_of(pid)),
    )


def children_of(pid: int) -> list[int]:
    """The processes that it has started and that live, but for the tracker of Python's multiprocessing."""
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            try:
                status = (entry / "status").read_text()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if (
                f"\nPPid:\t{pid}\n" in status
                and "\nState:\tZ" not in status
                and b"resource_tracker" not in command
            ):
                found.append(int(entry.name))
    return found


def _resident(process: Path) -> int:
    match = re.search(r"^VmRSS:\s+(\d+) kB", (process / "status").read_text(), re.MULTILINE)
    return int(match[1]) if match else 0


def _in_progress(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        text = response.read().decode()
    return int(sum(float(value) for value in _IN_PROGRESS.findall(text)))
