"""Reads one file from end to end and prints what that took: python one_pass.py MODULE READER PATH"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import deque
from importlib import import_module
from pathlib import Path


def main(module: str, reader: str, path: str) -> None:
    read = import_module(module).READERS[reader]
    started = time.process_time()
    ((rows, _last),) = deque(enumerate(read(path), start=1), maxlen=1)
    spent = time.process_time() - started
    print(json.dumps({"rows": rows, "cpu_seconds": spent, "peak_mb": peak_mb()}))


def peak_mb() -> float:
    """Of this program alone: the resource module would count what the parent had before it started this one."""
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak
    return int(peak[1]) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
