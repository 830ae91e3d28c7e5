"""Answers of 384 numbers, as embeddings are; and whether more numbers cost more than their share."""

from __future__ import annotations

from ..bench import Bench, question_of
from ..kinds import VECTOR

MORE_NUMBERS = (3840, 38_400)


def ask(bench: Bench) -> None:
    with bench.servers("vectors", VECTOR) as servers:
        text = question_of(VECTOR)
        bench.warm_up(servers, [text])
        bench.compare("vectors", f"{text} numbers", servers, [text])
        ours = [server for server in servers if server.kind.ours]
        for count in MORE_NUMBERS:
            bench.compare("vectors", f"{count} numbers", ours, [str(count)])
