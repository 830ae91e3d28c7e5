"""A fuzzer that is led by the code that it reaches."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from soak.scenario import Scenario, Stage, option
from soak.server import LIBRARY

ROOT = Path(__file__).parents[2]
TARGETS = (
    *("protobuf", "json", "request", "multipart", "lines"),
    *("http1", "http2-bytes", "http2-frames", "headers", "messages", "websocket"),
)
_RUNS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_COVERED = re.compile(r"cov: (\d+)")


@dataclass(frozen=True, kw_only=True)
class Fuzz(Scenario):
    """What reads bytes of clients reads them or refuses them as the client's mistake, whatever they are."""

    name = "fuzz"
    attacks_servers = False

    seconds: int = option(12, short=2, help="seconds for each reader")
    length: int = option(2000, short=500, help="bytes of an input at most")
    slowest: int = option(5, short=5, help="seconds for one input")
    megabytes: int = option(1500, short=1500, help="memory of a reader at most")

    def run(self, stage: Stage) -> None:
        if importlib.util.find_spec("atheris") is None:
            stage.fact("skipped", "atheris is not installed; `make soak` brings it where there is one")
            return
        for target in TARGETS:
            self._fuzz(stage, target)

    def _fuzz(self, stage: Stage, target: str) -> None:
        folder = stage.folder / target
        (folder / "corpus").mkdir(parents=True)
        command = [
            *(sys.executable, "-m", "soak.fuzz_readers", target, str(folder / "corpus")),
            *(f"-max_total_time={self.seconds}", f"-max_len={self.length}", f"-timeout={self.slowest}"),
            *(
                f"-rss_limit_mb={self.megabytes}",
                f"-seed={stage.seed + 1}",
                "-print_final_stats=1",
                f"-artifact_prefix={folder}/",
            ),
        ]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(LIBRARY)])}
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=self.seconds + 120,
            check=False,
        )
        output = done.stdout + done.stderr
        runs, covered = _RUNS.search(output), _COVERED.findall(output)
        stage.count(f"{target}: inputs", int(runs[1]) if runs else 0)
        stage.fact(f"{target}: places in the code reached", covered[-1] if covered else "?")
        found = sorted(path for path in folder.iterdir() if path.is_file())
        for path in found:
            stage.check(
                False,
                f"{target}: {path.name.partition('-')[0]} on {path.read_bytes()!r:.600}: {_reason(output)}",
            )
        stage.check(
            found or done.returncode == 0, f"{target}: exit status {done.returncode}: {output[-1500:]}"
        )


def _reason(output: str) -> str:
    match = re.search(r"=== Uncaught Python exception: ===\n(.*?)(?=\n==|\Z)", output, re.DOTALL)
    return " ".join((match[1] if match else output[-800:]).split())[:1200]
