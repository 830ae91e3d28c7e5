"""What the fuzzer of `make soak` gives to the readers, without its guidance."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[6]
SCALE = float(os.environ.get("CAIKIT_PROPERTY_SCALE", "1"))


@pytest.mark.skipif(not (ROOT / "soak").is_dir(), reason="needs the whole repository")
@pytest.mark.timeout(60 * max(1, SCALE))
def test_changed_bytes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "soak.fuzz_native", str(int(500 * SCALE)), "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" inputs") == 6
