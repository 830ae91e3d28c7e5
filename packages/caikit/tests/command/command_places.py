"""The command line, its environment, and what the tests of it share with others."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).parents[1]
LIBRARY = TESTS / "golden" / "lib"
SHIM = TESTS / "golden" / "shim"
CERTS = TESTS / "runtime" / "servers" / "certs"
SECONDS = 40
COMMAND = [sys.executable, "-W", "error", "-m", "caikit"]
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if name == "RUNTIME_TRANSPORT"
    or not name.startswith(("CAIKIT_", "RUNTIME_", "LOG_", "CONFIG_FILES", "NO_COLOR", "COLUMNS"))
}


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
