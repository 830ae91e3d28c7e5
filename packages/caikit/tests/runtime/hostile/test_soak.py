"""The attacks of `make soak`, each for a second or two."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[5]
ATTACKS = (
    "walk-away",
    "overload",
    "stop",
    "kill",
    "workers",
    "folders",
    "models",
    "keep-alive",
    "slow-readers",
    "chaos",
    "mutations",
    "wire",
)

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="counts threads and files in /proc"),
    pytest.mark.skipif(not (ROOT / "soak").is_dir(), reason="needs the whole repository"),
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_short_attack(attack: str) -> None:
    transport = os.environ.get("RUNTIME_TRANSPORT", "native")
    command = [sys.executable, "-m", "soak", attack, "--short", "--seed", "1", "--transport", transport]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as soak:
        try:
            output, _ = soak.communicate(timeout=50)
        except BaseException:
            # It ends the servers that it has started.
            soak.terminate()
            raise

    assert soak.returncode == 0, output
    assert "all well" in output
