"""What a call of the tiny model costs, with few and with many connections, and with headers that are always new."""

from __future__ import annotations

from ..bench import Bench, texts_of_greeting
from ..kinds import GRPC, TINY

CHANGING = (("literal", ("grpc", "http"), "new headers"), ("indexed", (GRPC,), "new headers in the table"))


def ask(bench: Bench) -> None:
    texts = texts_of_greeting()
    with bench.servers("calls", TINY) as servers:
        bench.warm_up(servers, texts)
        for connections in bench.how.growing_connections:
            bench.compare("calls", f"{connections} connections", servers, texts, connections=connections)
        for connections in (8, 64):
            for changing, protocols, name in CHANGING:
                point = f"{connections} connections, {name}"
                bench.compare(
                    "calls", point, servers, texts, protocols, connections=connections, changing=changing
                )
