"""Answers of 100 tokens, each on its own; and whether more tokens cost more than their share."""

from __future__ import annotations

from ..bench import Bench, question_of
from ..kinds import TOKENS

OTHER_LENGTHS = (10, 1000)


def ask(bench: Bench) -> None:
    with bench.servers("streams", TOKENS) as servers:
        text = question_of(TOKENS)
        bench.warm_up(servers, [text])
        bench.compare("streams", f"{text} tokens", servers, [text])
        ours = [server for server in servers if server.kind.ours]
        for count in OTHER_LENGTHS:
            bench.compare("streams", f"{count} tokens", ours, [str(count)])
