"""What all questions need: the servers that can be had here, how thorough to be, and where rows go."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from .checks import NotRightError
from .environments import Environment, InstallationError, environment
from .kinds import KINDS, Kind, anybody
from .load.plan import Call, Plan
from .measuring import Case, Row, RunError, in_turns, measure
from .servers import GREETING, QUESTIONS, Server, StartError, running

PROBLEMS = (NotRightError, StartError, RunError, OSError, subprocess.SubprocessError)
VARIANTS_OF_A_QUESTION = 8


@dataclass(frozen=True, kw_only=True)
class Thoroughness:
    rounds: int
    seconds: float
    starts: int
    growing_connections: tuple[int, ...]
    bodies: tuple[int, ...]
    models: tuple[int, ...]
    idle: int


THOROUGH = Thoroughness(
    rounds=3,
    seconds=0.7,
    starts=3,
    growing_connections=(1, 8, 64, 256, 1000),
    bodies=(100, 10_000, 1_000_000, 10_000_000),
    models=(1, 10, 100, 1000),
    idle=10_000,
)
QUICK = Thoroughness(
    rounds=1,
    seconds=0.2,
    starts=1,
    growing_connections=(1, 8, 64, 1000),
    bodies=(100, 1_000_000),
    models=(1, 100),
    idle=1000,
)


@dataclass
class Bench:
    how: Thoroughness
    kinds: list[tuple[Kind, Environment]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    unavailable: dict[str, str] = field(default_factory=dict)
    load_before: float = field(default_factory=lambda: os.getloadavg()[0])
    """What others do on this machine: far above 0, the figures are coarse."""

    def install(self, names: Sequence[str]) -> None:
        made: dict[str, Environment | str] = {}
        for kind in KINDS:
            if names and kind.name not in names:
                continue
            if kind.environment not in made:
                try:
                    made[kind.environment] = environment(kind.environment)
                except (InstallationError, *PROBLEMS) as error:
                    made[kind.environment] = str(error)
            found = made[kind.environment]
            if isinstance(found, Environment):
                self.kinds.append((kind, found))
            else:
                self.unavailable[kind.name] = found
                say(f"{kind.name}: {found}")

    def add(self, *rows: Row) -> None:
        self.rows += rows
        for row in rows:
            shown = {name: _short(value) for name, value in row.figures.items()}
            say(f"{row.question}, {row.point}, {row.server}: {row.problem or json.dumps(shown)}")

    def able(self, task: str, wanted: Callable[[Kind], bool] = anybody) -> list[tuple[Kind, Environment]]:
        return [(kind, found) for kind, found in self.kinds if task in kind.tasks and wanted(kind)]

    @contextmanager
    def servers(
        self, question: str, task: str, wanted: Callable[[Kind], bool] = anybody, **options: Any
    ) -> Iterator[list[Server]]:
        """All that can do the task, at the same time."""
        with ExitStack() as stack:
            started = []
            for kind, found in self.able(task, wanted):
                try:
                    started.append(stack.enter_context(running(kind, found, task, **options)))
                except PROBLEMS as error:
                    self.add(Row(question, "start", kind.name, {}, str(error)[:500]))
            yield started

    def compare(
        self,
        question: str,
        point: str,
        servers: Sequence[Server],
        texts: Sequence[str],
        protocols: Sequence[str] = ("grpc", "http"),
        **plan: Any,
    ) -> None:
        """One point of a question: all these servers, over each of their protocols, in turns."""
        cases = []
        for server in servers:
            for protocol in server.kind.protocols:
                if protocol not in protocols:
                    continue
                label = server.kind.label(protocol)
                try:
                    calls = tuple(server.call(protocol, text) for text in texts)
                except PROBLEMS as error:
                    self.add(Row(question, point, label, {}, str(error)[:300]))
                    continue
                cases.append(Case(label, server, self.plan(server, protocol, calls, **plan)))
        self.add(*in_turns(question, point, cases, self.how.rounds))

    def plan(self, server: Server, protocol: str, calls: Sequence[Call], **plan: Any) -> Plan:
        chosen = {"connections": 8, "seconds": self.how.seconds} | plan
        return Plan(protocol=protocol, port=server.ports[protocol], calls=tuple(calls), **chosen)

    def warm_up(self, servers: Sequence[Server], texts: Sequence[str]) -> None:
        for server in servers:
            for protocol in server.kind.protocols:
                try:
                    calls = [server.call(protocol, text) for text in texts]
                    measure(server, self.plan(server, protocol, calls))
                except PROBLEMS:
                    continue  # the question itself tells what is wrong

    def figures(self) -> dict[str, Any]:
        return {
            "date": time.strftime("%d %B %Y", time.gmtime()),
            "load_before": self.load_before,
            "how": asdict(self.how),
            "versions": {
                kind.name: {name: found.versions.get(name, "unknown") for name in kind.distributions}
                for kind, found in self.kinds
            },
            "unavailable": self.unavailable,
            "rows": [asdict(row) for row in self.rows],
        }


def texts_of_greeting() -> list[str]:
    """Several, so that an answer that went to somebody else is noticed."""
    return [GREETING + "!" * count for count in range(VARIANTS_OF_A_QUESTION)]


def question_of(task: str) -> str:
    return QUESTIONS[task]


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def _short(value: Any) -> Any:
    return round(value, 3 if abs(value) < 100 else 0) if isinstance(value, float) else value
