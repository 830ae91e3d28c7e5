"""The port of the metrics when the process may open no more files."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from pathlib import Path

import pytest
import requests

LIMITED = """
import resource, runpy
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
runpy.run_module("caikit.runtime", run_name="__main__")
"""


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif(sys.platform != "linux", reason="looks at the files of a process in /proc")
@pytest.mark.parametrize("transport", ["standard", "native"])
def test_connections_wait_quietly_and_are_served_later(start_program, transport):
    program = start_program("-c", LIMITED, transport=transport)
    port = int(program.read_until("Serving prometheus metrics on port ").split("on port ")[1].split('"')[0])
    http_port = program.port("http")
    pid = program.process.pid
    with contextlib.ExitStack() as connections:
        while sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()) < 64:
            # The line of those that were not accepted yet may be full for a moment.
            with contextlib.suppress(TimeoutError):
                connections.enter_context(socket.create_connection(("127.0.0.1", port), timeout=0.3))
        with contextlib.suppress(TimeoutError):
            connections.enter_context(socket.create_connection(("127.0.0.1", port), timeout=0.3))
        time.sleep(0.2)
        before = cpu_seconds(pid)
        time.sleep(0.6)
        assert cpu_seconds(pid) - before < 0.2
    assert "python_info" in requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    assert requests.get(f"http://127.0.0.1:{http_port}/health", timeout=5).status_code == 200
    program.process.terminate()
    assert program.finish() == 0
    (warning,) = (json.loads(line) for line in program.lines if "<RUN76773779W>" in line)
    assert warning["level"] == "warning"
    assert warning["message"] == "Connections to the port of the metrics have to wait: Too many open files"
