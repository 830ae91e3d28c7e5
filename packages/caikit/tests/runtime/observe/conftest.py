"""Servers that are observed, in this process and in others."""

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
MODULE_ID = "b2d3c4a6-0000-4000-8000-000000000001"
SERVICE = "caikit.runtime.ObservedLib.ObservedLibService"


def make_settings(directory: Path, **runtime: Any) -> dict[str, Any]:
    model = directory / "models" / "seer"
    model.mkdir(parents=True, exist_ok=True)
    (model / "config.yml").write_text(f"module_id: {MODULE_ID}\n")
    settings: dict[str, Any] = {
        "library": "observed_lib",
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


@pytest.fixture
def configure(tmp_path: Path, temp_config: Callable[[dict[str, Any]], None]) -> Callable[..., None]:
    """Sets what a server of the test library needs; keyword arguments go to the section `runtime`."""

    def apply(**runtime: Any) -> None:
        temp_config(make_settings(tmp_path, **runtime))

    return apply


@pytest.fixture
def calls() -> SimpleNamespace:
    """Calls of the test library's methods over gRPC, with their metadata."""

    def encoded(name: str, **fields: Any) -> bytes:
        from caikit.core.data_model.base import DataBase

        return bytes(DataBase.get_class_for_name(name)(**fields).to_binary_buffer())

    def unary(channel: grpc.Channel, text: str, *, model: str = "seer", **metadata: str) -> grpc.Call:
        pairs = [(name.replace("_", "-"), value) for name, value in metadata.items()]
        method = channel.unary_unary(f"/{SERVICE}/SeeTaskPredict")
        try:
            _, call = method.with_call(
                encoded("SeeTaskRequest", text=text), metadata=[("mm-model-id", model), *pairs], timeout=10
            )
        except grpc.RpcError as error:
            return error
        return call

    def stream(channel: grpc.Channel, text: str, *, model: str = "seer", **fields: Any) -> Any:
        method = channel.unary_stream(f"/{SERVICE}/ServerStreamingSeeTaskPredict")
        message = encoded("ServerStreamingSeeTaskRequest", text=text, **fields)
        return method(message, metadata=[("mm-model-id", model)], timeout=10)

    def bidi(channel: grpc.Channel, *texts: str) -> list[bytes]:
        method = channel.stream_stream(f"/{SERVICE}/BidiStreamingSeeTaskPredict")
        messages = [encoded("BidiStreamingSeeTaskRequest", text=text) for text in texts]
        return list(method(iter(messages), metadata=[("mm-model-id", "seer")], timeout=10))

    return SimpleNamespace(unary=unary, stream=stream, bidi=bidi)


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

    @property
    def lines(self) -> list[str]:
        return "".join(self.output).splitlines()


@pytest.fixture
def start_program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts `python <arguments>` with the configuration of the test library."""
    started: list[Program] = []

    def start(*arguments: str, log: dict[str, Any] | None = None, **runtime: Any) -> Program:
        import yaml

        config = tmp_path / "config.yml"
        settings = make_settings(tmp_path, **runtime)
        settings["log"].update(log or {})
        config.write_text(yaml.safe_dump(settings))
        environment = {**os.environ, "CONFIG_FILES": str(config), "PYTHONPATH": str(HERE)}
        if "transport" in runtime:
            environment.pop("RUNTIME_TRANSPORT", None)
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
