"""What an attack is: numbers that options set, and a run that counts and checks."""

from __future__ import annotations

import abc
import contextlib
import itertools
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from .server import Server

MOST_PROBLEMS = 20


def option(full: float, *, short: float, help: str) -> Any:
    """A number of an attack: its value in a whole run and in a short one."""
    return field(default=full, metadata={"short": short, "help": help})


@dataclass(frozen=True, kw_only=True)
class Scenario(abc.ABC):
    """One attack; its fields are options of the command."""

    name: ClassVar[str]
    attacks_servers: ClassVar[bool] = True

    @abc.abstractmethod
    def run(self, stage: Stage) -> None:
        """Attack; what is found goes to the stage."""


class Stage:
    """Where an attack takes place: its folder, its servers, its findings."""

    def __init__(self, folder: Path, seed: int, transport: str = "native") -> None:
        self.folder = folder
        self.seed = seed
        self._transport = transport
        self.counts: Counter[str] = Counter()
        self.facts: dict[str, str] = {}
        self.problems: list[str] = []
        self.problem_count = 0
        self._lock = threading.Lock()
        self._servers = 0
        self._stack = contextlib.ExitStack()

    def serve(self, **settings: Any) -> Server:
        """A server that ends with the attack at the latest."""
        self._servers += 1
        folder = self.folder / f"server-{self._servers}"
        return self._stack.enter_context(
            contextlib.closing(Server(folder, transport=self._transport, **settings))
        )

    def count(self, what: str, number: int = 1) -> None:
        with self._lock:
            self.counts[what] += number

    def fact(self, name: str, value: object) -> None:
        self.facts[name] = str(value)

    def check(self, right: object, problem: str) -> bool:
        """Note a problem unless all is right."""
        if not right:
            with self._lock:
                self.problem_count += 1
                if len(self.problems) < MOST_PROBLEMS and problem not in self.problems:
                    self.problems.append(problem)
        return bool(right)

    def stop(
        self,
        server: Server,
        *,
        within: float = 8,
        how: signal.Signals = signal.SIGTERM,
        forgiven: str = "$^",
    ) -> float:
        """Stop a server, which must end well, leave nothing and have no reason to complain; the seconds it took.

        Lines of its log that match `forgiven` are none.
        """
        status, seconds = server.stop(how)
        self.check(status == 0, f"{how.name}: exit status {status}")
        self.check(seconds <= within, f"{how.name}: the server took {seconds:.1f} s to end")
        left = sorted(str(path) for path in server.temporary.rglob("*"))
        self.check(not left, f"temporary files are left: {left[:3]}")
        for complaint, number in server.complaints(forgiven).items():
            self.check(False, f"the server logged {number} errors like {complaint}")
        return seconds

    def close(self) -> None:
        self._stack.close()

    def in_threads(self, count: int, work: Callable[[int], object]) -> None:
        """Run `work(index)` in that many threads at the same time; what it raises is a problem."""

        def run(index: int) -> None:
            try:
                work(index)
            except Exception as error:
                self.check(False, f"a client failed: {type(error).__name__}: {error}")

        with ThreadPoolExecutor(count) as pool:
            list(pool.map(run, range(count)))


def until(condition: Callable[[], Any], seconds: float, *, every: float = 0.02) -> Any:
    """Wait until it is true; its last value."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(every)
    return value


def shares(total: int, parts: int) -> Iterator[range]:
    """The numbers below `total` in that many ranges."""
    bounds = [total * part // parts for part in range(parts + 1)]
    return (range(start, end) for start, end in itertools.pairwise(bounds))


def percentile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
