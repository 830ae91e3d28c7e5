"""Run a benchmark as a user does, only much shorter."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def run_benchmark(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[str, dict[str, Any]]]:
    """What a script prints, and the figures that it writes."""

    def run(script: str, *options: str) -> tuple[str, dict[str, Any]]:
        output = tmp_path_factory.mktemp("benchmark") / "figures.json"
        done = subprocess.run(
            [sys.executable, str(BENCHMARKS / script), *options, "--output", str(output)],
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
        return done.stdout, json.loads(output.read_text())

    return run


@pytest.fixture
def benchmarks_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts find each other in the folder of the script."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
