"""Run a script of the examples as a user does: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1]
ROOT = EXAMPLES.parent


@pytest.fixture(scope="session")
def examples() -> Path:
    return EXAMPLES


@pytest.fixture(scope="session")
def seeds() -> Path:
    """Documents that a checkout may have beside it; tests of their code need them."""
    folder = ROOT.parent / "shared" / "seeds"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/seeds is not beside this repository")
    return folder


@pytest.fixture(scope="session")
def run_script() -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(
        script: Path,
        arguments: Sequence[str] = (),
        environment: dict[str, str] | None = None,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(script), *arguments],
            cwd=cwd or script.parent,
            env=os.environ | (environment or {}),
            capture_output=True,
            text=True,
            timeout=45,
            check=False,
        )

    return run
