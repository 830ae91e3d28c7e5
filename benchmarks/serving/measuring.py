"""One run of load against one server, and many of them in turns."""

from __future__ import annotations

import pickle
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import processes
from .load.plan import Plan, Report
from .servers import Server, other_cores

BENCHMARKS = Path(__file__).parents[1]
LONGEST_RUN = 120
LONGEST_WAIT_FOR_QUIET = 40


class RunError(Exception):
    """A server answered wrongly, or not at all, under load."""


@dataclass(frozen=True)
class Figures:
    requests_per_second: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    answered: int


@dataclass(frozen=True)
class Row:
    """What a server showed at one point of a question, or why it showed nothing."""

    question: str
    point: str
    server: str
    figures: dict[str, Any]
    problem: str = ""


@dataclass(frozen=True)
class Case:
    label: str
    server: Server
    plan: Plan


def measure(
    server: Server, plan: Plan, cores: set[int] | None = None, when_ready: Callable[[int], None] | None = None
) -> Figures:
    """The CPU time is that of all processes of the server, while the load runs.

    `when_ready` hears how many idle connections there are, before the load runs.
    """
    with tempfile.NamedTemporaryFile(prefix="caikit-bench-") as file:
        file.write(pickle.dumps(plan))
        file.flush()
        command = ["taskset", "-c", ",".join(map(str, sorted(cores or other_cores())))]
        command += [sys.executable, "-m", "serving.load", file.name]
        pipe = subprocess.PIPE
        load = subprocess.Popen(command, cwd=BENCHMARKS, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)
        watchdog = threading.Timer(LONGEST_RUN + plan.seconds, load.kill)
        watchdog.start()
        try:
            return _figures(load, server, plan, when_ready)
        finally:
            watchdog.cancel()
            load.kill()
            load.communicate()


def _figures(
    load: subprocess.Popen[bytes], server: Server, plan: Plan, when_ready: Callable[[int], None] | None
) -> Figures:
    assert load.stdout is not None
    assert load.stdin is not None
    first = load.stdout.readline()
    if not first.startswith(b"ready "):
        raise RunError(str(_report(load, first)))
    _wait_until_quiet(server)
    if when_ready is not None:
        when_ready(int(first.split()[1]))
    pids = server.pids
    before = processes.cpu_seconds(pids)
    load.stdin.write(b"go\n")
    last = load.stdout.readline()
    spent = processes.cpu_seconds(pids) - before
    report = _report(load, last)
    if not isinstance(report, Report):
        raise RunError(report)
    cpu_us = spent / report.answered * 1e6
    return Figures(report.answered / report.seconds, cpu_us, report.p50_ms, report.p99_ms, report.answered)


def _report(load: subprocess.Popen[bytes], line: bytes) -> Report | str:
    if line:
        found: Report | str = pickle.loads(bytes.fromhex(line.decode()))
        return found
    _, errors = load.communicate()
    return errors.decode(errors="replace").strip()[-500:] or f"no end of the load after {LONGEST_RUN} s"


def _wait_until_quiet(server: Server) -> None:
    """What has been opened or closed before may keep it busy for a while."""
    for _ in range(LONGEST_WAIT_FOR_QUIET):
        before = processes.cpu_seconds(server.pids)
        time.sleep(0.05)
        if processes.cpu_seconds(server.pids) - before < 0.005:
            return


def in_turns(question: str, point: str, cases: Sequence[Case], rounds: int) -> list[Row]:
    """Each round takes one run of every server; the medians count."""
    runs: dict[str, list[Figures]] = {case.label: [] for case in cases}
    problems: dict[str, str] = {}
    for _ in range(rounds):
        for case in cases:
            if case.label in problems:
                continue
            try:
                runs[case.label].append(measure(case.server, case.plan))
            except (RunError, OSError, subprocess.SubprocessError) as error:
                problems[case.label] = str(error)[:300]
    return [
        Row(question, point, case.label, {}, problems[case.label])
        if case.label in problems
        else Row(question, point, case.label, medians(runs[case.label]))
        for case in cases
    ]


def medians(runs: list[Figures]) -> dict[str, Any]:
    columns = [asdict(run) for run in runs]
    return {name: statistics.median(run[name] for run in columns) for name in columns[0]}
