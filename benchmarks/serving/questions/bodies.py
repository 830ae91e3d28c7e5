"""How the cost grows with the size of the question. The answer stays as small as it was."""

from __future__ import annotations

from ..bench import Bench
from ..kinds import TINY

CONNECTIONS = 4


def ask(bench: Bench) -> None:
    with bench.servers("bodies", TINY) as servers:
        bench.warm_up(servers, ["hello"])
        for size in bench.how.bodies:
            bench.compare("bodies", f"{size} bytes", servers, ["x" * size], connections=CONNECTIONS)
