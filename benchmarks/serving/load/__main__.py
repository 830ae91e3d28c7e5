"""python -m serving.load PLAN: connect, say so, wait for a line, load, report, wait for the end of the input.

Plan and report are pickled; the report is a line of hexadecimal digits. Connections are closed after the last wait, so that closing them
is no part of what is measured.
"""

from __future__ import annotations

import math
import pickle
import select
import sys
import time
from array import array
from pathlib import Path

from .grpc import GrpcConnection
from .http1 import Http1Connection
from .plan import Plan, Report, WrongAnswerError

Connection = Http1Connection | GrpcConnection
CONNECTIONS: dict[str, type[Connection]] = {"http": Http1Connection, "grpc": GrpcConnection}


class Load:
    """Connections that are watched together."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._poll = select.epoll()
        self._by_file: dict[int, Connection] = {}
        self._asked_at: dict[int, float] = {}
        self.latencies = array("d")

    def open(self, count: int, already: int) -> list[Connection]:
        """New connections, each with one call, as connections of real clients have had."""
        opened = []
        for number in range(already, already + count):
            call = self._plan.calls[number % len(self._plan.calls)]
            connection = CONNECTIONS[self._plan.protocol](self._plan, call, number << 32)
            self._by_file[connection.socket.fileno()] = connection
            self._poll.register(connection.socket, select.EPOLLIN)
            self._ask(connection)
            opened.append(connection)
            if len(self._asked_at) >= 100:
                self._answers(until=0)
        self._answers(until=0)
        return opened

    def run(self, connections: list[Connection], seconds: float) -> float:
        """How long it took, with the answers to what was asked last."""
        self.latencies = array("d")
        start = time.perf_counter()
        for connection in connections:
            if connection.socket.fileno() < 0:
                raise WrongAnswerError("connection closed while others were opened")
            self._ask(connection)
        self._answers(until=start + seconds)
        return time.perf_counter() - start

    @property
    def count(self) -> int:
        return len(self._by_file)

    def _ask(self, connection: Connection) -> None:
        self._asked_at[connection.socket.fileno()] = time.perf_counter()
        connection.ask()
        if connection.unsent:
            self._poll.modify(connection.socket, select.EPOLLIN | select.EPOLLOUT)

    def _hear(self, connection: Connection) -> None:
        """What comes unasked: pings, settings, or the end, since servers may close what has been silent for long."""
        try:
            connection.receive()
        except WrongAnswerError:
            self._poll.unregister(connection.socket)
            del self._by_file[connection.socket.fileno()]
            connection.socket.close()

    def _answers(self, until: float) -> None:
        """Ask again until then, and take all answers."""
        last = time.perf_counter()
        while self._asked_at:
            events = self._poll.poll(1)
            now = time.perf_counter()
            if not events and now - last > self._plan.patience:
                raise WrongAnswerError(
                    f"{len(self._asked_at)} calls without an answer after {now - last:.0f} s"
                )
            for file, event in events:
                connection = self._by_file[file]
                if event & select.EPOLLOUT:
                    connection.send()
                if file not in self._asked_at:
                    self._hear(connection)
                elif event & ~select.EPOLLOUT and connection.receive():
                    now = last = time.perf_counter()
                    self.latencies.append(now - self._asked_at.pop(file))
                    if now < until:
                        self._ask(connection)
                        continue
                if file in self._by_file and (event & select.EPOLLOUT or connection.unsent):
                    wanted = select.EPOLLIN | (select.EPOLLOUT if connection.unsent else 0)
                    self._poll.modify(file, wanted)


def main() -> None:
    plan: Plan = pickle.loads(Path(sys.argv[1]).read_bytes())
    everything = Load(plan)
    try:
        report: Report | str = load(everything, plan)
    except (WrongAnswerError, OSError) as error:
        report = f"{type(error).__name__}: {error}"
    say(pickle.dumps(report).hex())
    sys.stdin.read()


def load(everything: Load, plan: Plan) -> Report:
    everything.open(plan.idle, already=plan.connections)
    active = everything.open(plan.connections, already=0)
    say(f"ready {everything.count - len(active)}")
    sys.stdin.readline()
    seconds = everything.run(active, plan.seconds)
    latencies = sorted(everything.latencies)
    return Report(len(latencies), seconds, *(_percentile(latencies, rank) * 1e3 for rank in (0.5, 0.99)))


def say(line: str) -> None:
    print(line, flush=True)


def _percentile(ordered: list[float], rank: float) -> float:
    return ordered[max(0, math.ceil(rank * len(ordered)) - 1)]


if __name__ == "__main__":
    main()
