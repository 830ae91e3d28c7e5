"""What the first line of a program costs, in a process of its own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import Any

STATEMENTS = [
    "import caikit",
    "from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task",
    "from google.protobuf import message_factory",
    "import msgspec",
    "import pydantic; pydantic.BaseModel",
]

_PROGRAM = """
import json, sys, time
before = len(sys.modules)
started = time.process_time()
exec(sys.argv[1])
spent = time.process_time() - started
print(json.dumps([spent * 1000, len(sys.modules) - before, "numpy" in sys.modules]))
"""


def measure_imports(rounds: int) -> dict[str, dict[str, Any]]:
    """Statements that fail, because their library is not installed, are left out."""
    runs: dict[str, list[Any]] = {}
    for _ in range(rounds + 1):
        for statement in STATEMENTS:
            if (run := _run(statement)) is not None:
                runs.setdefault(statement, []).append(run)
    figures = {}
    for statement, (_, *warm) in runs.items():  # the first round may compile byte code
        milliseconds = [run[0] for run in warm]
        figures[statement] = {
            "cpu_milliseconds": {"min": min(milliseconds), "median": statistics.median(milliseconds)},
            "modules": warm[0][1],
            "numpy": warm[0][2],
        }
    return figures


def _run(statement: str) -> Any:
    command = [sys.executable, "-c", _PROGRAM, statement]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode and "ModuleNotFoundError" in done.stderr:
        return None
    done.check_returncode()
    return json.loads(done.stdout)
