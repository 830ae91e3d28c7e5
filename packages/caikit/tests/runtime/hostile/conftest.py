"""A server process of the golden library with both protocols, and clients that do not behave."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import wire
import yaml

GOLDEN = Path(__file__).parents[2] / "golden"
SERVICE = "/caikit.runtime.GoldenLib.GoldenLibService/"
JSON = {"content-type": "application/json"}
GREET = "/api/v1/task/greet"


class Running:
    """A server process with its folder; `root` is the folder that it works in."""

    def __init__(self, folder: Path, settings: dict[str, Any] | None = None) -> None:
        self.root = folder / "root"
        for name in ("models", "data"):
            shutil.copytree(GOLDEN / "lib" / name, self.root / name)
        self.http_port, self.grpc_port = _find_free_ports(2)
        config, user_config = folder / "config.yml", folder / "more.yml"
        config.write_text(yaml.safe_dump(self._configuration()))
        user_config.write_text(yaml.safe_dump(settings or {}))
        self._log_file = folder / "server.log"
        environment = {
            **os.environ,
            "CONFIG_FILES": f"{config},{user_config}",
            "PYTHONPATH": os.pathsep.join([str(GOLDEN / "lib"), str(GOLDEN / "shim")]),
        }
        with self._log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "caikit.runtime"],
                cwd=self.root,
                env=environment,
                stdout=log,
                stderr=log,
            )
        self._wait_until_ready()

    # Clients that behave

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read()

    def post(self, path: str, content: Any) -> tuple[int, bytes]:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.request("POST", path, body, JSON)

    def channel(self) -> grpc.Channel:
        options = [("grpc.use_local_subchannel_pool", 1)]
        return grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}", options=options)

    def call(
        self, method: str, body: bytes, model_id: str | None = "greeter", *, timeout: float = 20
    ) -> tuple[str, str]:
        """Status name and details of a unary call."""
        metadata = () if model_id is None else (("mm-model-id", model_id),)
        path = method if method.startswith("/") else SERVICE + method
        with self.channel() as channel:
            try:
                channel.unary_unary(path)(body, metadata=metadata, timeout=timeout)
            except grpc.RpcError as error:
                return error.code().name, error.details() or ""
        return "OK", ""

    # Clients that do not

    def connect(self, data: bytes = b"", *, timeout: float = 10) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.http_port), timeout=timeout)
        client.sendall(data)
        return client

    def exchange(self, data: bytes, *, timeout: float = 10) -> bytes:
        """Send bytes, read until the server closes the connection."""
        received = b""
        with self.connect(timeout=timeout) as client:
            with contextlib.suppress(ConnectionError):
                client.sendall(data)
            with contextlib.suppress(ConnectionError):
                while chunk := client.recv(65536):
                    received += chunk
        return received

    # State

    def assert_well(self) -> None:
        assert self.process.poll() is None, self.log()
        status, _ = self.post(GREET, {"model_id": "greeter", "inputs": {"name": "Ann"}})
        assert status == 200
        assert self.call("GreetTaskPredict", wire.greeting()) == ("OK", "")

    def resources(self) -> tuple[int, int]:
        """Number of threads and of open files."""
        process = Path("/proc") / str(self.process.pid)
        return len(list((process / "task").iterdir())), len(list((process / "fd").iterdir()))

    def terminate(self, *, within: float) -> float:
        """Send SIGTERM; returns the seconds until the process has ended well."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(within) == 0, self.log()
        return time.monotonic() - start

    def log(self) -> str:
        return self._log_file.read_text()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def _configuration(self) -> dict[str, Any]:
        return {
            "runtime": {
                "library": "golden_lib",
                "local_models_dir": "models",
                "training": {"output_dir": "training_output"},
                "grpc": {"host": "127.0.0.1", "port": self.grpc_port, "unix_socket_path": ""},
                "http": {"host": "127.0.0.1", "port": self.http_port},
                "metrics": {"enabled": False},
            },
            "data_streams": {"file_source_base": "data"},
        }

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if self.request("GET", "/health")[0] == 200:
                    return
            time.sleep(0.02)
        self.close()
        raise RuntimeError(f"The server did not start:\n{self.log()}")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that all tests attack, and that must outlive them."""
    running = Running(tmp_path_factory.mktemp("attacked"))
    yield running
    running.close()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts a server of the test's own, with further settings."""
    with contextlib.ExitStack() as stack:

        def start(settings: dict[str, Any] | None = None) -> Running:
            running = Running(tmp_path, settings)
            stack.callback(running.close)
            return running

        yield start


def _find_free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(each.getsockname()[1]) for each in sockets]
