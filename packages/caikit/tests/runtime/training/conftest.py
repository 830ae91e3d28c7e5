"""Servers in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

HERE = Path(__file__).parent


class Server:
    """A server that records its jobs in a directory."""

    def __init__(self, process: subprocess.Popen[str], heads: int) -> None:
        self.process = process
        self.output: list[str] = []
        assert process.stdout is not None
        ports: dict[str, int] = {}
        for line in process.stdout:
            self.output.append(line)
            for head in ("http", "grpc"):
                if f"serving {head} on port: " in line.lower():
                    ports[head] = int(line.split("on port: ")[1].split()[0])
            if len(ports) == heads:
                break
        else:
            raise AssertionError("".join(self.output))
        self.port, self.grpc_port = ports["http"], ports.get("grpc", 0)

    def call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        return requests.request(method, f"http://127.0.0.1:{self.port}{path}", timeout=20, **kwargs)

    def train(self, name: str, **parameters: Any) -> requests.Response:
        data = {"data_stream": {"data": [{"number": 1}, {"number": 2}]}}
        body = {"model_name": name, "parameters": {"training_data": data, **parameters}}
        return self.call("POST", "/api/v1/CommandTaskAdderTrain", json=body)

    def training(self, training_id: str, method: str = "GET") -> dict[str, Any]:
        answer = self.call(method, "/management/trainings", params={"training_id": training_id})
        assert answer.status_code == 200, answer.text
        status: dict[str, Any] = answer.json()
        return status


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server with this configuration of its trainer and predictor."""
    started: list[Server] = []

    def start(*, grpc: bool = False, **entries: Any) -> Server:
        components = {"default": {"config": {"work_dir": str(tmp_path / "work"), **entries}}}
        predictors = {"default": {"config": {"work_dir": str(tmp_path / "work")}}}
        settings = {
            "model_management": {"trainers": components, "job_predictors": predictors},
            "runtime": {
                "library": "command_lib",
                "local_models_dir": str(tmp_path / "models"),
                "lazy_load_local_models": True,
                "lazy_load_write_detection_period_seconds": 0,
                "training": {"output_dir": str(tmp_path / "models"), "save_with_id": False},
                "grpc": {"enabled": grpc, "port": 0, "host": "127.0.0.1", "unix_socket_path": ""},
                "http": {"port": 0, "host": "127.0.0.1", "server_shutdown_grace_period_seconds": 1},
                "metrics": {"enabled": False},
            },
        }
        (tmp_path / "models").mkdir(exist_ok=True)
        (tmp_path / "config.yml").write_text(yaml.safe_dump(settings))
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "caikit.runtime"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "CONFIG_FILES": str(tmp_path / "config.yml"), "PYTHONPATH": str(HERE)},
            cwd=tmp_path,
        )
        try:
            started.append(Server(process, 1 + grpc))
        except BaseException:
            process.kill()
            process.communicate()
            raise
        return started[-1]

    yield start
    for server in started:
        server.process.kill()
        server.process.communicate()
