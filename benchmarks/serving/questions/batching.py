"""32 clients of a model that takes 3 ms for a call, with one text or with 32."""

from __future__ import annotations

from ..bench import Bench
from ..kinds import DEVICE, anybody, ourselves

CLIENTS = 32
TEXTS = ["hello", "how are you", "good evening"]


def ask(bench: Bench) -> None:
    for point, batch, wanted in (("together", CLIENTS, anybody), ("one by one", 0, ourselves)):
        with bench.servers("batching", DEVICE, wanted, batch=batch) as servers:
            bench.warm_up(servers, TEXTS)
            bench.compare("batching", point, servers, TEXTS, connections=CLIENTS)
