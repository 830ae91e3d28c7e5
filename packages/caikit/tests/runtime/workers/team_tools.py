"""A program with several workers, and how it is talked to."""

from __future__ import annotations

import base64
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import requests
from google.protobuf.wrappers_pb2 import Int64Value

MODULE_ID = "51c8a3de-0000-4000-8000-000000000001"
START_SECONDS = 30
SERVICE = "/caikit.runtime.TeamLib.TeamLibService"


class Team:
    """A program that was started, and how it is talked to: every call on a connection of its own."""

    def __init__(self, process: subprocess.Popen[str], home: Path) -> None:
        self.process = process
        self.home = home
        self.lines: list[str] = []
        self.ports: dict[str, int] = {}
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line)
                self._news.notify_all()

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def wait_for(self, pattern: str, count: int = 1, seconds: float = START_SECONDS) -> re.Match[str]:
        """The match in the `count`-th line that has one."""

        def found() -> list[re.Match[str]]:
            return [match for line in self.lines if (match := re.search(pattern, line))]

        with self._news:
            came = self._news.wait_for(
                lambda: len(found()) >= count or not self._reader.is_alive(), timeout=seconds
            )
        matches = found()
        assert came, f"{pattern} did not come:\n{self.output}"
        assert len(matches) >= count, f"{pattern} did not come:\n{self.output}"
        return matches[count - 1]

    def wait_until_serving(self, *protocols: str) -> Team:
        for protocol in protocols:
            match = self.wait_for(rf"serving {protocol} on port: (\d+)")
            self.ports[protocol] = int(match[1])
        match = self.wait_for(r"prometheus metrics on port (\d+)")
        self.ports["metrics"] = int(match[1])
        return self

    @property
    def children(self) -> set[int]:
        """The processes of the workers."""
        pid = self.process.pid
        return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}

    def wait_for_children(self, count: int, *, without: int = 0) -> set[int]:
        until(lambda: len(self.children - {without}) == count)
        return self.children

    def http(self, method: str, path: str, timeout: float = 20, **arguments: Any) -> requests.Response:
        url = f"http://127.0.0.1:{self.ports['http']}{path}"
        return requests.request(method, url, timeout=timeout, headers={"connection": "close"}, **arguments)

    def where(self, model: str = "place", text: str = "x", **parameters: Any) -> int:
        """The process that answers over HTTP."""
        body = {"model_id": model, "inputs": text, "parameters": parameters}
        answer = self.http("POST", "/api/v1/task/place", json=body)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["pid"])

    def where_grpc(self, target: str = "", model: str = "place") -> int:
        """The process that answers over gRPC."""
        target = target or f"127.0.0.1:{self.ports['grpc']}"
        with grpc.insecure_channel(target, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            answer = channel.unary_unary(f"{SERVICE}/PlaceTaskPredict")(
                b"\x0a\x01x", metadata=[("mm-model-id", model)], timeout=10
            )
        return int(Int64Value.FromString(answer).value)  # field 1 of a Place, too, is a varint: its pid

    def deploy(self, model: str) -> requests.Response:
        data = base64.b64encode(f"module_id: {MODULE_ID}\n".encode()).decode()
        files = [{"filename": "config.yml", "data": data}]
        return self.http("POST", "/management/models", json={"model_id": model, "model_files": files})

    def loaded(self) -> dict[str, bool]:
        models = self.http("GET", "/info/models").json()["models"]
        return {model["name"]: model["loaded"] for model in models}

    def metrics(self) -> dict[str, float]:
        """Values by name and labels."""
        text = requests.get(f"http://127.0.0.1:{self.ports['metrics']}/metrics", timeout=10).text
        pairs = [line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#"]
        return {name: float(value) for name, value in pairs}

    def calls(self) -> float:
        """How many calls were counted, whatever became of them."""
        return sum(v for name, v in self.metrics().items() if name.startswith("predict_rpc_count_total"))

    def finish(self, number: int = signal.SIGTERM, seconds: float = 20) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(seconds)
        self.close()
        return code

    def close(self) -> None:
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()


def reached(where: Callable[[], int], workers: set[int]) -> bool:
    """Call until each of the workers has answered; who gets a connection is decided by chance."""
    answered: set[int] = set()
    end = time.monotonic() + START_SECONDS
    while answered != workers and time.monotonic() < end:
        answered.add(where())
    return answered == workers


def until(condition: Callable[[], Any], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
