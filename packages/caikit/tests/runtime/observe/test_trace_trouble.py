"""Collectors that hang or are down, packages that are missing, processes that fork."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time

import pytest
import requests
from collectors import GrpcCollector

from caikit.runtime import trace
from caikit.runtime._serving.metrics import PROCESS_METRICS
from caikit.runtime.http_server import RuntimeHTTPServer


def post(port: int, text: str = "a") -> requests.Response:
    url = f"http://127.0.0.1:{port}/api/v1/task/see"
    return requests.post(url, json={"model_id": "seer", "inputs": text}, timeout=5)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("trouble", ["hangs", "down"])
def test_a_bad_collector_delays_neither_requests_nor_the_end(start_program, protocol, trouble):
    # It takes connections and never says a word.
    silent = socket.create_server(("127.0.0.1", 0))
    port = silent.getsockname()[1] if trouble == "hangs" else free_port()
    program = start_program(
        "-m",
        "caikit.runtime.http_server",
        trace={"enabled": True, "protocol": protocol, "endpoint": f"127.0.0.1:{port}"},
    )
    http_port = program.port("http")
    begin = time.monotonic()
    for _ in range(50):
        assert post(http_port).status_code == 200
    assert time.monotonic() - begin < 5
    program.process.terminate()
    begin = time.monotonic()
    assert program.finish() == 0
    assert time.monotonic() - begin < 6
    silent.close()
    assert "Traceback" not in "".join(program.output)


def test_a_collector_that_hangs_in_the_middle(configure):
    hang = threading.Event()
    with GrpcCollector(hang=hang) as collector:
        configure(trace={"enabled": True, "endpoint": collector.endpoint, "flush_on_exit": False})
        with RuntimeHTTPServer() as server:
            for _ in range(1000):
                assert trace.get_tracer("x").start_span("many").end() is None
            assert post(server.port).status_code == 200
            begin = time.monotonic()
        assert time.monotonic() - begin < 2


def test_missing_packages_are_told_and_nothing_else_suffers(start_program):
    program = start_program(
        "-c",
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from caikit.runtime.http_server import main; main()",
        trace={"enabled": True},
    )
    port = program.port("http")
    assert post(port, "spans").status_code == 200
    program.process.terminate()
    assert program.finish() == 0
    told = [line for line in program.lines if "<RUN41027815W>" in line]
    assert len(told) == 1
    assert "pip install 'caikit[runtime-trace]'" in told[0]


def test_nothing_is_imported_while_tracing_is_off():
    code = (
        "import sys, caikit.runtime.http_server, caikit.runtime.trace as trace\n"
        "trace.configure(); trace.get_tracer('x').start_span('a').end()\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_forked_process_does_not_trace(temp_config):
    with GrpcCollector() as collector:
        temp_config({"runtime": {"trace": {"enabled": True, "endpoint": collector.endpoint}}})
        trace.configure()
        code = (
            "import os\nfrom caikit.runtime import trace\nimport caikit\n"
            f"caikit.configure(config_dict={{'runtime': {{'trace': {{'enabled': True, 'endpoint': {collector.endpoint!r}}}}}}})\n"
            "trace.configure()\n"
            "with trace.start_child_span(None, 'parent'): pass\n"
            "child = os.fork()\n"
            "if not child:\n"
            "    with trace.start_child_span(None, 'child') as span: recording = span.is_recording()\n"
            "    os._exit(int(recording))\n"
            "print(os.waitpid(child, 0)[1])\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, "GRPC_ENABLE_FORK_SUPPORT": "false"},
            check=True,
        )
        assert done.stdout.strip() == "0"
        temp_config({"runtime": {"trace": {"enabled": False}}})
        trace.configure()
    assert collector.received.names() == ["parent"]
    assert PROCESS_METRICS.port is None
