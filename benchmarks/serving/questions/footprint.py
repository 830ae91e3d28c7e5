"""What a server takes before it has done anything: time to start, memory, room on the disk. Each is alone."""

from __future__ import annotations

import statistics

from .. import processes
from ..bench import PROBLEMS, Bench
from ..kinds import TINY
from ..measuring import Row
from ..servers import Server, running


def ask(bench: Bench) -> None:
    starts: dict[str, list[dict[str, float]]] = {}
    problems: dict[str, str] = {}
    for _ in range(bench.how.starts + 1):  # the first start may compile byte code
        for kind, environment in bench.kinds:
            try:
                with running(kind, environment, TINY) as server:
                    starts.setdefault(kind.name, []).append(_figures(server))
            except PROBLEMS as error:
                problems[kind.name] = str(error)[:500]
    for kind, environment in bench.kinds:
        if kind.name in problems:
            bench.add(Row("footprint", "start", kind.name, {}, problems[kind.name]))
            continue
        later = starts[kind.name][1:]
        figures = {name: statistics.median(start[name] for start in later) for name in later[0]}
        figures |= {"install_mb": environment.megabytes, "distributions": environment.distributions}
        bench.add(Row("footprint", "start", kind.name, figures))


def _figures(server: Server) -> dict[str, float]:
    memory, pids = server.memory, server.pids
    return {
        "start_s": server.start_seconds,
        "start_cpu_s": processes.cpu_seconds(pids),
        "resident_mb": memory.resident,
        "proportional_mb": memory.proportional,
        "processes": len(pids),
    }
