"""Whether loaded models cost anything but memory: calls go to up to 64 of them."""

from __future__ import annotations

from ..bench import PROBLEMS, Bench
from ..kinds import TINY, ourselves
from ..measuring import Case, Row, in_turns
from ..servers import GREETING, Server

CONNECTIONS = 64


def ask(bench: Bench) -> None:
    memory_of_one: dict[str, float] = {}
    for models in bench.how.models:
        point = f"{models} models"
        with bench.servers("models", TINY, ourselves, models=models) as servers:
            bench.warm_up(servers, [GREETING])
            cases = [case for server in servers for case in _cases(bench, server, models)]
            rows = in_turns("models", point, cases, bench.how.rounds)
            memory = {server.kind.name: server.memory.proportional for server in servers}
        bench.add(*rows)
        for server in servers:
            name = server.kind.name
            first = memory_of_one.setdefault(name, memory[name])
            figures = {"start_s": server.start_seconds, "proportional_mb": memory[name]}
            if models > 1:
                figures["kb_per_model"] = (memory[name] - first) * 1024 / (models - 1)
            bench.add(Row("models", point, name, figures))


def _cases(bench: Bench, server: Server, models: int) -> list[Case]:
    called = {round(number * (models - 1) / (CONNECTIONS - 1)) for number in range(CONNECTIONS)}
    names = [f"{TINY}-{number}" if number else TINY for number in sorted(called)]
    cases = []
    for protocol in server.kind.protocols:
        label = server.kind.label(protocol)
        try:
            calls = [server.call(protocol, GREETING, model) for model in names]
        except PROBLEMS as error:
            bench.add(Row("models", f"{models} models", label, {}, str(error)[:300]))
            continue
        cases.append(Case(label, server, bench.plan(server, protocol, calls, connections=CONNECTIONS)))
    return cases
