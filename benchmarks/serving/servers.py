"""Start servers, and end them."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from . import processes
from .checks import NotRightError, checked_call
from .environments import Environment
from .kinds import DEVICE, TOKENS, VECTOR, Kind
from .load.plan import Call

PEERS = Path(__file__).parents[1] / "peers"
LONGEST_START = 90
LONGEST_STOP = 10
QUESTIONS = {VECTOR: "384", TOKENS: "100"}
GREETING = "Today is a nice sunny day"


class StartError(Exception):
    """A server did not start."""


@dataclass(frozen=True)
class Server:
    kind: Kind
    task: str
    pid: int
    ports: dict[str, int]
    start_seconds: float
    """From nothing to the first right answers, over every protocol."""
    batch: int = 0

    @property
    def pids(self) -> list[int]:
        return processes.tree(self.pid)

    @property
    def memory(self) -> processes.Memory:
        return processes.Memory.of(self.pids)

    def call(self, protocol: str, text: str, model: str = "", seconds: float = 30) -> Call:
        as_batch = self.kind.name == "BentoML" and self.task == DEVICE
        return checked_call(
            protocol, self.ports[protocol], self.task, text, model=model, as_batch=as_batch, seconds=seconds
        )


@contextmanager
def running(
    kind: Kind,
    environment: Environment,
    task: str,
    *,
    workers: int = 1,
    models: int = 1,
    batch: int = 0,
    cores: set[int] | None = None,
) -> Iterator[Server]:
    """`cores`: where it may run; on the first one if there is nothing said."""
    with tempfile.TemporaryDirectory(prefix="caikit-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        ports = dict(zip(("http", "grpc"), _free_ports(2), strict=True))
        command = [environment.python, kind.program, "--task", task, "--variant", kind.variant]
        command += ["--port", str(ports["http"]), "--grpc-port", str(ports["grpc"]), "--folder", name]
        command += ["--workers", str(workers), "--models", str(models), "--batch", str(batch)]
        chosen = cores or first_core()
        start = time.perf_counter()
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                ["taskset", "-c", ",".join(map(str, sorted(chosen))), *command],
                cwd=PEERS,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            wait = LONGEST_START + models / 10
            _wait_until_right(kind, task, process, ports, folder / "log", time.monotonic() + wait)
            yield Server(kind, task, process.pid, ports, time.perf_counter() - start, batch)
        finally:
            processes.end(process.pid, LONGEST_STOP)
            process.wait(LONGEST_STOP)


def _wait_until_right(
    kind: Kind, task: str, process: subprocess.Popen[bytes], ports: dict[str, int], log: Path, deadline: float
) -> None:
    server = Server(kind, task, process.pid, ports, 0)
    problem = "no answer"
    for protocol in kind.protocols:
        while True:
            if process.poll() is not None:
                raise StartError(f"{kind.name} ended: {_last_words(log)}")
            if time.monotonic() > deadline:
                raise StartError(f"{kind.name} did not start, {problem}: {_last_words(log)}")
            try:
                with socket.create_connection(("127.0.0.1", ports[protocol]), timeout=1):
                    pass
                server.call(protocol, QUESTIONS.get(task, GREETING), seconds=5)
                break
            except (NotRightError, OSError) as error:
                problem = str(error)
                time.sleep(0.01)


def _last_words(log: Path) -> str:
    return " ".join(log.read_text(errors="replace").split())[-500:]


def _free_ports(count: int) -> list[int]:
    """Ports that the system gives to nobody who asks for any port, as connections of the load do."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().randrange(16_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
    return found


def first_core() -> set[int]:
    return {min(os.sched_getaffinity(0))}


def other_cores() -> set[int]:
    return os.sched_getaffinity(0) - first_core() or first_core()
