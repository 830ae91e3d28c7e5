"""Programs that run jobs and can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Runs a script in a process of its own, with a trainer and a predictor that record their jobs."""
    started: list[subprocess.Popen[str]] = []

    def run(script: str) -> subprocess.Popen[str]:
        prelude = "from durable_lib import *\nimport sys, time\nwork = 'work'\n"
        process = subprocess.Popen(
            [sys.executable, "-c", prelude + textwrap.dedent(script)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(HERE)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()
