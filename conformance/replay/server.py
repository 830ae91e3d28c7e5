"""A server of the golden library in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from .golden import LIBRARY, SHIM

_START_SECONDS = 30.0
_STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Target:
    """Where to send the calls; `folder` is known only for a server that the suite started."""

    http_url: str | None
    grpc_target: str | None
    folder: Path | None = None


@contextlib.contextmanager
def serve(folder: Path, transport: str | None = None) -> Iterator[Target]:
    """Start a server of both protocols below `folder` and stop it at the end; without a transport, it has the usual one."""
    base = folder / "base"
    shutil.copytree(LIBRARY, base)
    http_port, grpc_port, metrics_port = _find_free_ports(3)
    config = folder / "config.yml"
    config.write_text(yaml.safe_dump(_configure(base, http_port, grpc_port, metrics_port)))
    environment = {
        **os.environ,
        "CONFIG_FILES": str(config),
        "PYTHONPATH": os.pathsep.join([str(base), str(SHIM)]),
    }
    if transport is not None:
        environment["RUNTIME_TRANSPORT"] = transport
    log_file = folder / "server.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "caikit.runtime"], cwd=base, env=environment, stdout=log, stderr=log
        )
    try:
        target = Target(f"http://127.0.0.1:{http_port}", f"127.0.0.1:{grpc_port}", base)
        _wait_until_ready(process, target, log_file)
        yield target
    finally:
        _stop(process)


def _configure(base: Path, http_port: int, grpc_port: int, metrics_port: int) -> dict[str, object]:
    return {
        "runtime": {
            "library": "golden_lib",
            "local_models_dir": str(base / "models"),
            "training": {"output_dir": str(base / "training_output")},
            "grpc": {"enabled": True, "port": grpc_port, "unix_socket_path": ""},
            "http": {"enabled": True, "port": http_port},
            "metrics": {"port": metrics_port},
        },
        "data_streams": {"file_source_base": str(base / "data")},
    }


def _find_free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(listener.getsockname()[1]) for listener in sockets]


def _wait_until_ready(process: subprocess.Popen[bytes], target: Target, log_file: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended while it started:\n{_tail(log_file)}")
        if _is_healthy(target) and _listens(target):
            return
        time.sleep(0.05)
    raise RuntimeError(f"The server was not ready within {_START_SECONDS:g} s:\n{_tail(log_file)}")


def _is_healthy(target: Target) -> bool:
    try:
        return httpx.get(f"{target.http_url}/health", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def _listens(target: Target) -> bool:
    host, port = (target.grpc_target or "").rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return True


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_STOP_SECONDS)


def _tail(log_file: Path) -> str:
    return "\n".join(log_file.read_text(errors="replace").splitlines()[-40:])
