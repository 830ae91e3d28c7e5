"""The examples that the help of each command shows can be pasted."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_places import CERTS, CLEAN, SECONDS

PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
SMALL_SERVER = {
    "RUNTIME_GRPC_HOST": "127.0.0.1",
    "RUNTIME_HTTP_HOST": "127.0.0.1",
    "RUNTIME_METRICS_ENABLED": "false",
}
ANY_PORT = {"RUNTIME_GRPC_PORT": "0", "RUNTIME_HTTP_PORT": "0"}


@pytest.fixture
def shell(tmp_path: Path):
    """Runs lines in one shell, in the folder of a new library."""

    def run(lines: list[str], folder: Path, **environment: str) -> str:
        done = subprocess.run(
            ["bash", "-ec", "\n".join(lines)],
            cwd=folder,
            env={**CLEAN, "PATH": PATH, **environment},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, (lines, done.stdout, done.stderr)
        return done.stdout

    return run


@pytest.fixture
def library(tmp_path: Path, shell) -> Path:
    shell(["caikit new text-mood"], tmp_path)
    return tmp_path / "text-mood"


def examples(caikit, command: str) -> list[str]:
    text = caikit(command, "--help").out.partition("\nexamples:\n")[2]
    found = re.findall(r"^  (\S.*)\n      \S", text, re.MULTILINE)
    assert found
    return found


@pytest.mark.parametrize("command", ["call", "dump", "jobs", "models", "tasks", "train"])
def test_examples_of_commands_can_be_pasted(caikit, serve, shell, library, command):
    lines = examples(caikit, command)
    server = serve(library, **SMALL_SERVER, MODEL_MANAGEMENT_TRAINERS_DEFAULT_CONFIG_WORK_DIR="jobs")
    ports = {name: server.address(name).rpartition(":")[2] for name in ("grpc", "http")}
    lines = [line.replace("localhost:8080", f"localhost:{ports['http']}") for line in lines]
    shell(lines, library, RUNTIME_GRPC_PORT=ports["grpc"], RUNTIME_HTTP_PORT=ports["http"])
    assert server.stop() == 0


@pytest.mark.parametrize("command", ["new", "serve"])
def test_examples_of_serving_can_be_pasted(caikit, shell, library, tmp_path, command):
    for name in ("server.key", "server.pem"):
        shutil.copy(CERTS / name, library)
    started = 0
    for line in examples(caikit, command):
        folder = tmp_path / "new" if command == "new" else library
        folder.mkdir(exist_ok=True)
        if "caikit serve" not in line:
            shell([line], folder)
            continue
        process = subprocess.Popen(
            ["bash", "-c", line.replace("caikit serve", "exec caikit serve")],
            cwd=folder,
            env={**CLEAN, "PATH": PATH, **SMALL_SERVER, **ANY_PORT},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            assert '"library": "text_mood"' in process.stdout.readline(), process.stderr.read()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=SECONDS)
        assert process.returncode == 0
        started += 1
    assert started
