"""Configuration for servers in this process and in others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

HERE = Path(__file__).parent
MODULE_ID = "7f1b5c4e-0000-4000-8000-000000000001"


def make_settings(directory: Path, **runtime: Any) -> dict[str, Any]:
    model = directory / "models" / "words"
    model.mkdir(parents=True, exist_ok=True)
    (model / "config.yml").write_text(f"module_id: {MODULE_ID}\n")
    settings: dict[str, Any] = {
        "library": "served_lib",
        "local_models_dir": str(directory / "models"),
        "lazy_load_write_detection_period_seconds": 0,
        "training": {"output_dir": str(directory / "trained")},
        "grpc": {"port": 0, "host": "127.0.0.1", "unix_socket_path": ""},
        "http": {"port": 0, "host": "127.0.0.1"},
        "metrics": {"port": 0, "host": "127.0.0.1"},
    }
    for key, value in runtime.items():
        settings[key] = {**settings.get(key, {}), **value} if isinstance(value, dict) else value
    return {"runtime": settings, "log": {"level": "info"}}


@pytest.fixture(params=["standard", "native"])
def configure(
    request: pytest.FixtureRequest, tmp_path: Path, temp_config: Callable[[dict[str, Any]], None]
) -> Callable[..., None]:
    """Sets what a server of the test library needs; keyword arguments go to the section `runtime`."""

    def apply(**runtime: Any) -> None:
        temp_config(make_settings(tmp_path, **{"transport": request.param, **runtime}))

    return apply


@pytest.fixture
def configure_one_port(tmp_path: Path, temp_config: Callable[[dict[str, Any]], None]) -> Callable[..., None]:
    """The same for both servers on one port, any that is free."""

    def apply(**runtime: Any) -> None:
        one_port = {"transport": "native", **runtime, "http": {"port": None, **runtime.get("http", {})}}
        temp_config(make_settings(tmp_path, **one_port))

    return apply


@pytest.fixture
def certs() -> SimpleNamespace:
    """Paths of keys and certificates; the authority `ca` has signed the server's and the client's."""
    names = {path.name.replace(".", "_"): str(path) for path in (HERE / "certs").iterdir()}
    return SimpleNamespace(**names)


@pytest.fixture
def calls() -> SimpleNamespace:
    """Calls of the test library's methods over gRPC."""

    def unary(
        channel: grpc.Channel, text: str, *, future: bool = False, model: str = "words", **fields: Any
    ) -> Any:
        from caikit.core.data_model.base import DataBase

        request = DataBase.get_class_for_name("WordsTaskRequest")(text=text, **fields)
        answer = DataBase.get_class_for_name("Words").get_proto_class()
        method = channel.unary_unary(
            "/caikit.runtime.ServedLib.ServedLibService/WordsTaskPredict",
            request_serializer=lambda request: request.to_binary_buffer(),
            response_deserializer=answer.FromString,
        )
        call = method.future if future else method
        return call(request, metadata=[("mm-model-id", model)], timeout=10)

    return SimpleNamespace(unary=unary)


@pytest.fixture
def wait_until() -> Callable[..., None]:
    def wait(condition: Callable[[], Any], seconds: float = 5.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.005)

    return wait


class Program(SimpleNamespace):
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    output: list[str]

    def read_until(self, text: str) -> str:
        """Read lines until one contains a text."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)
            if text in line:
                return line
        raise AssertionError(f"{text!r} did not appear in:\n{''.join(self.output)}")

    def port(self, protocol: str) -> int:
        line = self.read_until(f"serving {protocol} on port: ")
        return int(line.split("on port: ")[1].split()[0])

    def finish(self) -> int:
        """Wait for the end and return the exit code."""
        rest, _ = self.process.communicate(timeout=20)
        self.output.append(rest)
        return self.process.returncode


@pytest.fixture
def start_program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts `python <arguments>` with the configuration of the test library."""
    started: list[Program] = []

    def start(*arguments: str, **runtime: Any) -> Program:
        import yaml

        config = tmp_path / "config.yml"
        config.write_text(yaml.safe_dump(make_settings(tmp_path, **runtime)))
        environment = {**os.environ, "CONFIG_FILES": str(config), "PYTHONPATH": str(HERE)}
        process = subprocess.Popen(
            [sys.executable, "-W", "error", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            cwd=tmp_path,
        )
        program = Program(process=process, output=[])
        started.append(program)
        return program

    yield start
    for program in started:
        if program.process.poll() is None:
            program.process.kill()
            program.process.communicate()
