"""One worker and two, on all cores, which they share with the load. The busy model leaves the load little to take."""

from __future__ import annotations

import os
from contextlib import ExitStack

from ..bench import PROBLEMS, Bench, texts_of_greeting
from ..environments import Environment
from ..kinds import BUSY, TINY, Kind
from ..measuring import Figures, Row, measure, medians
from ..servers import Server, running

CONNECTIONS = 32
COUNTS = (1, 2)


def ask(bench: Bench) -> None:
    for task in (TINY, BUSY):
        for kind, environment in bench.able(task, lambda kind: kind.workers):
            try:
                bench.add(*_rows(bench, kind, environment, task))
            except PROBLEMS as error:
                bench.add(Row("workers", f"{task}, {COUNTS[-1]}", kind.name, {}, str(error)[:300]))


def _rows(bench: Bench, kind: Kind, environment: Environment, task: str) -> list[Row]:
    everywhere = os.sched_getaffinity(0)
    rows = []
    with ExitStack() as stack:
        servers = {
            count: stack.enter_context(running(kind, environment, task, workers=count, cores=everywhere))
            for count in COUNTS
        }
        for protocol in kind.protocols:
            runs: dict[int, list[Figures]] = {count: [] for count in COUNTS}
            for number in range(bench.how.rounds + 1):
                for count, server in servers.items():
                    run = _run(bench, server, protocol)
                    if number:  # the first is to warm up
                        runs[count].append(run)
            for count, server in servers.items():
                figures = medians(runs[count]) | {"proportional_mb": server.memory.proportional}
                rows.append(Row("workers", f"{task}, {count}", kind.label(protocol), figures))
    return rows


def _run(bench: Bench, server: Server, protocol: str) -> Figures:
    calls = [server.call(protocol, text) for text in texts_of_greeting()]
    return measure(
        server, bench.plan(server, protocol, calls, connections=CONNECTIONS), os.sched_getaffinity(0)
    )
