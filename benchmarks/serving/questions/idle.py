"""What connections cost that say nothing: memory of the server for each, and CPU of the calls on eight others."""

from __future__ import annotations

import resource

from ..bench import PROBLEMS, Bench, texts_of_greeting
from ..kinds import TINY
from ..measuring import Figures, Row, measure, medians
from ..servers import Server, running

SPARE_FILES = 500


def ask(bench: Bench) -> None:
    idle = min(bench.how.idle, allow_files() - SPARE_FILES)
    for kind, environment in bench.able(TINY):
        for protocol in kind.protocols:
            label = kind.label(protocol)
            try:
                with running(kind, environment, TINY) as server:
                    bench.add(*_rows(bench, server, protocol, idle, label))
            except PROBLEMS as error:
                bench.add(Row("idle", f"{idle} idle connections", label, {}, str(error)[:300]))


def allow_files() -> int:
    """As many open files as this process may have; what it starts may have them, too."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def _rows(bench: Bench, server: Server, protocol: str, idle: int, label: str) -> list[Row]:
    calls = [server.call(protocol, text) for text in texts_of_greeting()]
    measure(server, bench.plan(server, protocol, calls))  # warm up
    memory: dict[int, float] = {}
    runs: dict[int, list[Figures]] = {0: [], idle: []}
    still_open = 0
    for _ in range(bench.how.rounds):
        for count, of_count in runs.items():

            def note(found: int, count: int = count) -> None:
                nonlocal still_open
                still_open = found
                memory.setdefault(count, server.memory.proportional)

            plan = bench.plan(server, protocol, calls, idle=count)
            of_count.append(measure(server, plan, when_ready=note))
    figures = medians(runs[idle]) | {"still_open": still_open}
    if still_open > idle / 2:  # what was freed again hides what the few take that are left
        figures["bytes_each"] = (memory[idle] - memory[0]) * 1024 * 1024 / still_open
    return [
        Row("idle", "0 idle connections", label, medians(runs[0])),
        Row("idle", f"{idle} idle connections", label, figures),
    ]
